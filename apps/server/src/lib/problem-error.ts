import type { FieldError, ProblemCode } from '@tollgate/contract'

export type LackingFeature = { feature: string; plan: string | null }

/** A problem to be told to the sender. `detail` and `errors` are public; `cause` is only logged. */
export class ProblemError extends Error {
  readonly code: ProblemCode
  readonly detail: string | undefined
  readonly errors: FieldError[] | undefined
  /** When it is worth trying again. */
  readonly retryAfterSeconds: number | undefined
  /** What a plan lacks, and the plan that has it. */
  readonly lacking: LackingFeature | undefined

  constructor(
    code: ProblemCode,
    more: {
      detail?: string
      errors?: FieldError[]
      cause?: unknown
      retryAfterSeconds?: number
      lacking?: LackingFeature
    } = {},
  ) {
    super(more.detail ?? code, { cause: more.cause })
    this.code = code
    this.detail = more.detail
    this.errors = more.errors
    this.retryAfterSeconds = more.retryAfterSeconds
    this.lacking = more.lacking
  }
}

/** 400 that names one field. */
export function invalidField(field: string, message: string): ProblemError {
  return new ProblemError('invalid_request', { errors: [{ field, message }] })
}

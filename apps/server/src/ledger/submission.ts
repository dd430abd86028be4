import type { Order } from './command-of.ts'
import type { IdempotencyKey } from './store.ts'
import type { Account, Entry, Refusal } from './types.ts'

export type LedgerErrorCode =
  | 'overloaded'
  | 'database_unavailable'
  | 'tenant_not_found'
  | 'idempotency_conflict'
  | 'past_retention'
  | 'internal_error'

/**
 * Nothing was recorded for this submission, or it cannot be known: the sender tries again with the same key.
 * `past_retention`: it was recorded under this key so long ago that the answer is gone.
 */
export class LedgerError extends Error {
  readonly code: LedgerErrorCode

  constructor(code: LedgerErrorCode, cause?: unknown) {
    super(code, { cause })
    this.code = code
  }
}

/** What became of an order, committed. */
export type Receipt =
  | {
      /** The line as it was first written. */
      readonly entry: Entry
      /** The account after it; for a replay, as it is now. */
      readonly account: Account
      readonly replayed: boolean
      readonly refusal: null
    }
  | {
      readonly entry: null
      readonly account: Account
      readonly replayed: false
      readonly refusal: Refusal
    }

/** One order on its way through a lane. */
export class Submission {
  /** Equal for equal tenant and key. */
  readonly id: string
  /** Later submissions under the same key, which wait for this one's answer. */
  readonly followers: Submission[] = []
  readonly tenantNo: number
  readonly senderNo: number | null
  readonly order: Order
  readonly idempotency: IdempotencyKey
  private readonly onAnswer: (answer: Receipt | LedgerError) => void

  constructor(
    tenantNo: number,
    senderNo: number | null,
    order: Order,
    idempotency: IdempotencyKey,
    onAnswer: (answer: Receipt | LedgerError) => void,
  ) {
    this.id = `${tenantNo}:${idempotency.key}`
    this.tenantNo = tenantNo
    this.senderNo = senderNo
    this.order = order
    this.idempotency = idempotency
    this.onAnswer = onAnswer
  }

  answer(answer: Receipt | LedgerError): void {
    this.onAnswer(answer)
    for (const follower of this.followers) follower.onAnswer(this.answerFor(follower, answer))
  }

  private answerFor(follower: Submission, answer: Receipt | LedgerError): Receipt | LedgerError {
    if (answer instanceof KeyTakenError) {
      return replayOrConflict(follower, answer.takenFingerprint, answer.taken)
    }
    if (answer instanceof LedgerError) return answer
    return replayOrConflict(follower, this.idempotency.fingerprint, answer)
  }
}

/** Knows what has the key, since one that waits for the same answer may be a replay of just that. */
class KeyTakenError extends LedgerError {
  readonly takenFingerprint: number
  readonly taken: Receipt | null

  constructor(code: LedgerErrorCode, takenFingerprint: number, taken: Receipt | null) {
    super(code)
    this.takenFingerprint = takenFingerprint
    this.taken = taken
  }
}

/**
 * The answer to a key that is taken: the first decision again, or a conflict if it came with another body.
 * @param taken null: its line is past retention, and the key stays used up
 */
export function replayOrConflict(
  submission: Submission,
  takenFingerprint: number,
  taken: Receipt | null,
): Receipt | LedgerError {
  if (submission.idempotency.fingerprint !== takenFingerprint) {
    return new KeyTakenError('idempotency_conflict', takenFingerprint, taken)
  }
  if (taken === null) return new KeyTakenError('past_retention', takenFingerprint, taken)
  return taken.refusal === null ? { ...taken, replayed: true } : taken
}

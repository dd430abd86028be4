import Stripe from 'stripe'
import { PermanentFailure } from '../../lib/permanent-failure.ts'
import { STRIPE_KEYS_PER_STEP_MAX } from '../../limits.ts'
import { PaymentUnavailable } from './types.ts'

/** One change at Stripe. */
export type StripeStep<T> = {
  /** The same for every try, wherever it is made. */
  key: string
  write(options: { idempotencyKey: string }): Promise<T>
  /** What Stripe has, if the change is there already; null: it is not. */
  look(): Promise<T | null>
}

/**
 * Makes a change once. The key stops a second one for a day, `look` for ever.
 *
 * Stripe keeps whatever it answered under a key, its own failures as well, so after one of these the
 * key is spent for a day. Then, and only after a look shows that nothing was changed, there is
 * another key, which is the same on every node too.
 */
export async function once<T>({ key, write, look }: StripeStep<T>): Promise<T> {
  for (let spent = 0; ; spent += 1) {
    try {
      return await write({ idempotencyKey: spent === 0 ? key : `${key}:${spent + 1}` })
    } catch (error) {
      const kept = isKeptFailure(error)
      // What Stripe refuses may be refused because another node has just done it.
      if (!kept && !isRefusal(error)) throw error
      const there = await look()
      if (there !== null) return there
      if (!kept || spent + 1 >= STRIPE_KEYS_PER_STEP_MAX) throw error
    }
  }
}

/** The card was declined, or its owner has to say yes: the invoice stays open. */
export function isDeclined(error: unknown): boolean {
  return error instanceof Stripe.errors.StripeCardError
}

/** It would be refused again. */
export function isRefusal(error: unknown): error is Stripe.errors.StripeInvalidRequestError {
  return error instanceof Stripe.errors.StripeInvalidRequestError
}

export function isMissing(error: unknown): boolean {
  return isRefusal(error) && error.statusCode === 404
}

/** Whoever throws says only what and where; what Stripe wrote may name people and is the cause. */
export function classified(error: unknown): unknown {
  if (!(error instanceof Stripe.errors.StripeError)) return error
  const where = `${error.code ?? error.type}, request ${error.requestId ?? 'unknown'}`
  if (isRefusal(error)) {
    const field = error.param === undefined ? '' : `${error.param}: `
    return new PermanentFailure(`Stripe refused what it was asked (${field}${where})`, {
      cause: error,
    })
  }
  // A key that is not good is a mistake in the configuration: when somebody corrects it, the money
  // should be asked for.
  return new PaymentUnavailable(`Stripe cannot be asked now (${where})`, { cause: error })
}

function isKeptFailure(error: unknown): boolean {
  if (!(error instanceof Stripe.errors.StripeError)) return false
  const { statusCode = 0, headers } = error
  return statusCode >= 500 && headers?.['idempotent-replayed'] === 'true'
}

import type { Settings } from '../../lib/settings.ts'
import { manualPayments } from './manual.ts'
import { stripePayments } from './stripe.ts'
import type { PaymentProvider } from './types.ts'

/** Stripe if it is configured, else people. */
export function openPayments({ stripe }: Pick<Settings, 'stripe'>): PaymentProvider {
  return stripe === null ? manualPayments : stripePayments(stripe)
}

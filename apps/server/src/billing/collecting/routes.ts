import { paymentEventReply } from '@tollgate/contract'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { PermanentFailure } from '../../lib/permanent-failure.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { PAYMENT_EVENT_BYTES_MAX } from '../../limits.ts'
import { type PaymentEvent, UnverifiedEvent } from '../payments/types.ts'
import type { CollectingDependencies } from './request-payment.ts'
import { takePaymentEvent } from './take-event.ts'

/** Where a payment provider tells what became of an invoice. Its signature is what lets it in. */
export function paymentEventRoutes(fastify: FastifyInstance, deps: CollectingDependencies): void {
  fastify.register(async (scope) => {
    // What is signed are the bytes as they came, and not what they say.
    scope.removeContentTypeParser('application/json')
    scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    )
    scope.withTypeProvider<ZodTypeProvider>().post(
      '/api/billing/webhooks/stripe',
      {
        bodyLimit: PAYMENT_EVENT_BYTES_MAX,
        config: { access: { object: 'payment_events', action: 'write' }, anyQuery: true },
        schema: {
          tags: ['Billing'],
          summary: 'For Stripe: what became of a payment',
          description:
            'Needs no key: the body is what Stripe has signed, in its header Stripe-Signature. Events that say nothing about our invoices are answered with 200 as well.',
          response: { 200: paymentEventReply },
        },
      },
      async (request) => {
        const event = readEvent(deps, request)
        if (event !== null) await takePaymentEvent(deps, event)
        return { received: true as const }
      },
    )
  })
}

/** @throws ProblemError unverified_event */
function readEvent(
  { payments, clock, log }: CollectingDependencies,
  { body, headers }: Pick<FastifyRequest, 'body' | 'headers'>,
): PaymentEvent | null {
  const rawBody = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
  try {
    return payments.readEvent(rawBody, headers, clock.now())
  } catch (error) {
    if (error instanceof UnverifiedEvent) {
      throw new ProblemError('unverified_event', { cause: error })
    }
    // Sent again it would say the same: of a currency, say, in which nothing is collected here.
    if (!(error instanceof PermanentFailure)) throw error
    log.error({ err: error }, 'a payment event cannot be read, and was left out')
    return null
  }
}

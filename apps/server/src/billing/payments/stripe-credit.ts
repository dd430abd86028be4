import type Stripe from 'stripe'
import { STRIPE_CREDIT_NOTES_LOOKED_AT_MAX } from '../../limits.ts'
import { stripeAmount } from './stripe-amounts.ts'
import { readInvoice } from './stripe-invoice.ts'
import { isRefusal, once } from './stripe-once.ts'
import { type PaymentCredit, PaymentUnavailable } from './types.ts'

/**
 * A credit note at Stripe for one of ours: of an invoice that is not paid it lowers what is due. What
 * was paid already is noted as given back outside of Stripe: whether and how, people decide.
 */
export async function creditInvoice(
  stripe: Stripe,
  id: string,
  credit: PaymentCredit,
): Promise<void> {
  const look = () => findCreditNote(stripe, id, credit.creditNoteId)
  const invoice = await readInvoice(stripe, id)
  if (invoice === null || invoice.status === 'void') return
  if ((await look()) !== null) return
  const amount = stripeAmount(credit.amount, credit.currency)
  const paid = amount - Math.min(amount, invoice.amount_remaining)
  const { creditNoteId, number, reason } = credit
  await once({
    key: `tollgate:credit-note:${creditNoteId}:${paid}`,
    write: (options) =>
      stripe.creditNotes.create(
        {
          invoice: id,
          amount,
          ...(paid === 0 ? {} : { out_of_band_amount: paid }),
          memo: `Credit note ${number}: ${reason}`,
          metadata: { credit_note_id: creditNoteId, number },
        },
        options,
      ),
    look,
  }).catch(async (error) => {
    // What is noted as given back must fit what was paid, which may be more by now.
    const isPaidMeanwhile = async () =>
      (await readInvoice(stripe, id))?.amount_remaining !== invoice.amount_remaining
    if (!isRefusal(error) || !(await isPaidMeanwhile())) throw error
    throw new PaymentUnavailable(`Stripe’s invoice ${id} was paid meanwhile`, { cause: error })
  })
}

async function findCreditNote(
  stripe: Stripe,
  invoice: string,
  creditNoteId: string,
): Promise<Stripe.CreditNote | null> {
  let seen = 0
  for await (const note of stripe.creditNotes.list({ invoice, limit: 100 })) {
    if (note.metadata?.credit_note_id === creditNoteId) return note
    seen += 1
    if (seen >= STRIPE_CREDIT_NOTES_LOOKED_AT_MAX) break
  }
  return null
}

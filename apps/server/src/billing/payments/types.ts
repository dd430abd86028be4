/** An issued invoice whose money is to be collected. Amounts are decimal strings, rounded. */
export type PaymentRequest = {
  invoiceId: string
  /** As the customer knows it. */
  number: string
  tenantId: string
  amount: string
  currency: string
  customer: PayingCustomer
  /** Together `amount`, so that tax and discounts are lines as well. */
  lines: readonly { description: string; amount: string }[]
  /** Ms since 1970. */
  dueAt: number
}

export type PayingCustomer = {
  name: string
  email: string | null
  /** What the provider called this customer last time; null: not known. */
  reference: string | null
}

/** A part of what was asked for that is taken back. */
export type PaymentCredit = {
  creditNoteId: string
  /** As the customer knows it. */
  number: string
  amount: string
  currency: string
  reason: string
}

export type RequestedPayment = {
  /** What the provider calls it, for `cancel` and for people who look there; null: nothing is there. */
  reference: string | null
  /** To be kept, and given with the tenant's next request. */
  customerReference: string | null
  state: 'open' | 'paid'
}

/** `failed`: a try to collect; there may be others. The same one may come more than once. */
export type PaymentEvent = {
  eventId: string
  kind: 'paid' | 'failed' | 'uncollectible' | 'voided'
  invoiceId: string
  reference: string
  /** What the provider asked for in all. If it is not the invoice's total, somebody changed it there. */
  amount: string
  currency: string
}

export type PaymentProvider = {
  readonly name: 'manual' | 'stripe'
  /**
   * Asks for the money, once, however often and wherever it is called for an invoice.
   * @throws PermanentFailure when no other try would help; anything else is to be tried again
   */
  request(payment: PaymentRequest, now: number): Promise<RequestedPayment>
  /**
   * Asks no more; also when that was done already.
   * @throws PermanentFailure when it is paid
   */
  cancel(reference: string): Promise<void>
  /**
   * Asks for so much less, once, however often it is told. What is paid already is not given back by it.
   * @throws PermanentFailure when no other try would help
   */
  credit(reference: string, credit: PaymentCredit): Promise<void>
  /**
   * What the provider tells by webhook; null: nothing that matters here.
   * @param rawBody as it came, for that is what is signed
   * @throws UnverifiedEvent when it is not from the provider, was altered, or is too old
   */
  readEvent(rawBody: Buffer, headers: EventHeaders, now: number): PaymentEvent | null
}

export type EventHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Of a webhook. To be answered with 400, and to have no effect. */
export class UnverifiedEvent extends Error {}

/** The provider cannot be asked now: away, busy, or its key is not good. Another try may help. */
export class PaymentUnavailable extends Error {}

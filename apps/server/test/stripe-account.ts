import { randomBytes } from 'node:crypto'

/** What a form says, as Stripe nests it: `lines[0][amount]=5`. */
export type Form = { [name: string]: string | Form }
export type StripeObject = { id: string; [name: string]: unknown }
export type Answer = { status: number; body: object }

type Invoice = StripeObject & {
  customer: string
  status: string
  collection_method: string
  total: number
  amount_remaining: number
  metadata: Form
  lines: { object: 'list'; data: object[] }
  payments: { object: 'list'; data: { payment: { type: string; payment_intent: string } }[] }
}

/** An account at Stripe as far as Tollgate uses it, with the refusals that it must be able to bear. */
export class StripeAccount {
  readonly customers = new Map<string, StripeObject>()
  readonly invoices = new Map<string, Invoice>()
  readonly payments = new Map<string, StripeObject>()
  readonly creditNotes = new Map<string, StripeObject>()
  /** What becomes of charging a customer; without a card it is asked by e-mail. */
  readonly cards = new Map<string, 'good' | 'declined' | 'to be confirmed'>()

  readonly nowMs: () => number

  constructor(nowMs: () => number) {
    this.nowMs = nowMs
  }

  customerOf(tenantId: string): StripeObject {
    const found = [...this.customers.values()].find(({ metadata }) => {
      return (metadata as Form).tenant_id === tenantId
    })
    if (found === undefined) throw new Error(`${tenantId} is no customer`)
    return found
  }

  /** As if the customer had put in a card. */
  giveCard(tenantId: string, card: 'good' | 'declined' | 'to be confirmed'): void {
    const customer = this.customerOf(tenantId)
    customer.invoice_settings = { default_payment_method: newId('pm') }
    this.cards.set(customer.id, card)
  }

  answer(method: string, path: string, form: Form): Answer {
    const [kind = '', id = '', verb = ''] = path.split('/').slice(2)
    if (kind === 'customers') return this.#customers(method, id, form)
    if (kind === 'invoices') return this.#invoices(method, id, verb, form)
    if (kind === 'credit_notes') {
      return method === 'POST' ? this.#credit(form) : this.#listCreditNotes(form)
    }
    if (kind === 'payment_intents') return this.#label(id, form)
    return refused(`Unrecognized request URL (${method}: ${path})`, 404)
  }

  #customers(method: string, id: string, form: Form): Answer {
    if (method === 'GET' && id === 'search') {
      const tenantId = /^metadata\['tenant_id'\]:'([^']+)'$/.exec(String(form.query))?.[1]
      const data = [...this.customers.values()].filter(({ metadata, deleted }) => {
        return (metadata as Form).tenant_id === tenantId && deleted !== true
      })
      return { status: 200, body: { object: 'search_result', data, has_more: false } }
    }
    if (method === 'POST' && id === '') {
      const settings = { invoice_settings: { default_payment_method: null }, default_source: null }
      const made = { id: newId('cus'), object: 'customer', name: null, email: null, ...settings }
      const customer = { ...made, metadata: {}, ...form }
      this.customers.set(customer.id, customer)
      return { status: 200, body: customer }
    }
    const customer = this.customers.get(id)
    if (customer === undefined) return refused(`No such customer: '${id}'`, 404)
    if (customer.deleted === true) return { status: 200, body: { id, deleted: true } }
    if (method === 'POST') Object.assign(customer, form, form.email === '' ? { email: null } : {})
    return { status: 200, body: customer }
  }

  #invoices(method: string, id: string, verb: string, form: Form): Answer {
    if (id === '') return method === 'POST' ? this.#createInvoice(form) : this.#listInvoices(form)
    const invoice = this.invoices.get(id)
    if (invoice === undefined) return refused(`No such invoice: '${id}'`, 404)
    if (method === 'DELETE') return this.#remove(invoice)
    if (method === 'GET') return { status: 200, body: invoice }
    if (verb === 'add_lines') return this.#addLines(invoice, form)
    if (verb === 'finalize') return this.#finalize(invoice, form)
    if (verb === 'pay') return this.#pay(invoice)
    if (verb === 'void') return this.#void(invoice)
    return refused(`Unrecognized request URL (${method}: ${verb})`, 404)
  }

  #createInvoice(form: Form): Answer {
    const customer = this.customers.get(String(form.customer))
    if (customer === undefined) return refused(`No such customer: '${form.customer}'`)
    const sent = form.collection_method === 'send_invoice'
    if (sent && customer.email === null) return refused('Missing email.')
    if (sent && !(Number(form.due_date) * 1_000 > this.nowMs())) {
      return refused('Invalid timestamp: must be an integer Unix timestamp in the future.')
    }
    const id = newId('in')
    const empty = { object: 'list' as const, data: [] }
    const invoice = {
      id,
      object: 'invoice',
      status: 'draft',
      total: 0,
      amount_remaining: 0,
      ...form,
    }
    this.invoices.set(id, { ...invoice, lines: empty, payments: { ...empty } } as never)
    return { status: 200, body: this.invoices.get(id)! }
  }

  #listInvoices({ customer, limit, starting_after }: Form): Answer {
    const all = [...this.invoices.values()].filter((invoice) => invoice.customer === customer)
    all.reverse()
    const from = all.findIndex(({ id }) => id === starting_after) + 1
    const data = all.slice(from, from + Number(limit ?? 10))
    const has_more = from + data.length < all.length
    return { status: 200, body: { object: 'list', data, has_more, url: '/v1/invoices' } }
  }

  #addLines(invoice: Invoice, form: Form): Answer {
    if (invoice.status !== 'draft') return refused('Lines are added to drafts only')
    const added = Object.values(form.lines ?? {}) as unknown as { amount: string }[]
    invoice.lines.data = [...invoice.lines.data, ...added]
    invoice.total += added.reduce((sum, { amount }) => sum + Number(amount), 0)
    return { status: 200, body: invoice }
  }

  #finalize(invoice: Invoice, { auto_advance }: Form): Answer {
    if (invoice.status !== 'draft') return refused('This invoice is already finalized')
    const status = invoice.total === 0 ? 'paid' : 'open'
    Object.assign(invoice, { status, auto_advance, amount_remaining: invoice.total })
    const id = newId('pi')
    const { total: amount, currency } = invoice
    const payment = { id, object: 'payment_intent', amount, currency, amount_received: 0 }
    this.payments.set(id, { ...payment, metadata: {} })
    invoice.payments.data = [{ payment: { type: 'payment_intent', payment_intent: id } }]
    return { status: 200, body: invoice }
  }

  #pay(invoice: Invoice): Answer {
    if (invoice.status !== 'open') return refused('Invoice is already paid')
    const card = this.cards.get(invoice.customer)
    if (card === 'declined') {
      const error = {
        type: 'card_error',
        code: 'card_declined',
        message: 'Your card was declined.',
      }
      return { status: 402, body: { error } }
    }
    if (card !== 'good') return refused('This payment requires additional user action.')
    Object.assign(invoice, { status: 'paid', amount_remaining: 0 })
    const payment = this.payments.get(invoice.payments.data[0]!.payment.payment_intent)!
    payment.amount_received = payment.amount
    return { status: 200, body: invoice }
  }

  #void(invoice: Invoice): Answer {
    if (invoice.status === 'void') return refused('This invoice is void already')
    Object.assign(invoice, { status: 'void', amount_remaining: 0 })
    return { status: 200, body: invoice }
  }

  #remove({ id, status }: Invoice): Answer {
    if (status !== 'draft') return refused('You can only delete draft invoices')
    this.invoices.delete(id)
    return { status: 200, body: { id, object: 'invoice', deleted: true } }
  }

  #credit(form: Form): Answer {
    const invoice = this.invoices.get(String(form.invoice))
    if (invoice === undefined) return refused(`No such invoice: '${form.invoice}'`)
    const { status, total, amount_remaining } = invoice
    if (status === 'draft' || status === 'void') return refused(`This invoice is ${status}`)
    const amount = Number(form.amount)
    const before = this.creditNotesOf(invoice.id).reduce(
      (sum, note) => sum + Number(note.amount),
      0,
    )
    if (!(amount > 0) || before + amount > total) return refused('More than the invoice asks for')
    const lowers = Math.min(amount, amount_remaining)
    if (Number(form.out_of_band_amount ?? 0) !== amount - lowers) {
      return refused('The sum of credit, refund and out of band amounts must equal what was paid')
    }
    const note = { id: newId('cn'), object: 'credit_note', ...form, pre_payment_amount: lowers }
    this.creditNotes.set(note.id, note)
    invoice.amount_remaining -= lowers
    if (status === 'open' && invoice.amount_remaining === 0) invoice.status = 'paid'
    return { status: 200, body: note }
  }

  creditNotesOf(invoice: string): StripeObject[] {
    return [...this.creditNotes.values()].filter((note) => note.invoice === invoice)
  }

  #listCreditNotes({ invoice }: Form): Answer {
    const data = this.creditNotesOf(String(invoice)).reverse()
    return { status: 200, body: { object: 'list', data, has_more: false, url: '/v1/credit_notes' } }
  }

  #label(id: string, { metadata }: Form): Answer {
    const payment = this.payments.get(id)
    if (payment === undefined) return refused(`No such payment_intent: '${id}'`, 404)
    Object.assign(payment.metadata as Form, metadata)
    return { status: 200, body: payment }
  }
}

export function refused(message: string, status = 400, more: object = {}): Answer {
  return { status, body: { error: { type: 'invalid_request_error', message, ...more } } }
}

function newId(kind: string): string {
  return `${kind}_${randomBytes(9).toString('hex')}`
}

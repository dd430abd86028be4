import type { CreditNote, Invoice, InvoiceLine } from '@tollgate/contract'

type MathStep = InvoiceLine['math'][number]

/** What tests, and people who look at pages, take as documents. */
export function line(changes: Partial<InvoiceLine> = {}): InvoiceLine {
  return {
    kind: 'charge',
    description: 'API calls',
    meter: 'units',
    quantity: 250,
    unit: 'calls',
    unit_price: '0.10',
    amount: '25.00',
    tax_rate: null,
    plan: 'pro',
    plan_version: 3,
    period: null,
    entries: { first_seq: 1, last_seq: 250, count: 250 },
    math: [step({ quantity: '250', unit_price: '0.1', amount: '25' })],
    ...changes,
  }
}

export function step(changes: Partial<MathStep> = {}): MathStep {
  return {
    kind: 'usage',
    group: null,
    from: '0',
    up_to: null,
    quantity: '1',
    unit_price: '1',
    flat: '0',
    factor: '1',
    amount: '1',
    ...changes,
  }
}

const shared = {
  currency: 'USD',
  period: { start: '2026-11-01T00:00:00.000Z', end: '2026-11-30T23:59:59.000Z', timezone: 'UTC' },
  issued_at: '2026-12-01T00:05:00.000Z',
  seller: {
    name: 'Tollgate Example GmbH',
    address: ['Musterstraße 12', '10115 Berlin', 'Germany'],
    email: 'billing@example.com',
    tax_id: 'DE123456789',
  },
  customer: {
    name: 'Acme Corporation',
    address: ['1 Main Street', 'Suite 400', 'Springfield, IL 62701', 'United States'],
    email: 'accounts@acme.example',
    tax_id: null,
  },
}

/** Taxes by rate are as the whole has them, unless they are given. */
export function invoice(changes: Partial<Invoice> = {}): Invoice {
  return withTaxes({
    invoice_id: 'inv_1',
    number: 'INV-2026-000042',
    status: 'open',
    plan: 'pro',
    due_at: '2026-12-15T00:00:00.000Z',
    paid_at: null,
    credited: '0.00',
    credit_applied: '0.00',
    credit_balance: '0.00',
    amount_due: '25.00',
    ...shared,
    lines: [line()],
    subtotal: '25.00',
    tax_rate: null,
    tax: '0.00',
    total: '25.00',
    ...changes,
  })
}

export function creditNote(changes: Partial<CreditNote> = {}): CreditNote {
  return withTaxes({
    credit_note_id: 'cn_1',
    number: 'CN-2026-000007',
    invoice_id: 'inv_1',
    invoice_number: 'INV-2026-000042',
    reason: 'Calls of 3 November failed on our side',
    ...shared,
    lines: [
      line({ description: 'API calls of 3 November', quantity: 50, amount: '5.00', math: [] }),
    ],
    subtotal: '5.00',
    tax_rate: '19.00',
    tax: '0.95',
    total: '5.95',
    ...changes,
  })
}

function withTaxes<Document extends Pick<Invoice, 'subtotal' | 'tax_rate' | 'tax'>>(
  document: Document & { taxes?: Invoice['taxes'] },
): Document & Pick<Invoice, 'taxes'> {
  const { tax_rate, subtotal, tax, taxes = [{ tax_rate, subtotal, tax }] } = document
  return { ...document, taxes }
}

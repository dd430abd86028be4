import type { CreditNote, Invoice, InvoiceLine } from '@tollgate/contract'
import { stringify } from 'csv-stringify/sync'
import { quantityText } from './format-amount.ts'
import { formatIsoDate } from './format-date.ts'
import { printable } from './printable.ts'
import { usedTaxes } from '../pricing/totals.ts'

/** The columns, in this order. New ones are added at the end, since programs may count them. */
const COLUMNS = [
  'document',
  'number',
  'status',
  'issued_on',
  'row',
  'description',
  'meter',
  'quantity',
  'unit',
  'unit_price',
  'amount',
  'currency',
  'tax_rate',
  'plan',
  'plan_version',
  'period_start',
  'period_end',
  'customer',
] as const
const NUMBER = /^-?\d+(\.\d+)?$/
type CsvRow = Partial<Record<(typeof COLUMNS)[number], string>>

/**
 * A row for each line (`row` is its kind), then `subtotal`, `tax` for each rate, and `total`; of an invoice
 * `credit_applied`, `credited` and `amount_due`, too. Amounts are as the contract has them, days are in the period's time zone. What
 * a spreadsheet would run as a formula is led in by an apostrophe; plain numbers below zero are none.
 */
export function invoiceCsv(document: Invoice | CreditNote): string {
  const shared = sharedCells(document)
  const rows = [...document.lines.map((line) => lineCells(line, document)), ...totals(document)]
  return stringify(
    rows.map((row) => ({ ...shared, ...row })),
    {
      header: true,
      columns: [...COLUMNS],
      record_delimiter: '\r\n',
      escape_formulas: true,
      // An amount below zero is no formula, and with an apostrophe it would be no number.
      cast: {
        string: (value) => (NUMBER.test(value) ? { value, escape_formulas: false } : value),
      },
    },
  )
}

function sharedCells(document: Invoice | CreditNote): CsvRow {
  const { number, issued_at, currency, customer, period } = document
  const isCreditNote = 'credit_note_id' in document
  return {
    document: isCreditNote ? 'credit_note' : 'invoice',
    number: printable(number ?? ''),
    status: isCreditNote ? 'issued' : document.status,
    issued_on: issued_at === null ? '' : formatIsoDate(issued_at, period.timezone),
    currency,
    customer: printable(customer.name),
    ...periodCells(period, period.timezone),
  }
}

function lineCells(line: InvoiceLine, { period }: Invoice | CreditNote): CsvRow {
  return {
    row: line.kind,
    description: printable(line.description),
    meter: printable(line.meter ?? ''),
    quantity: quantityText(line.quantity),
    unit: printable(line.unit ?? ''),
    unit_price: line.unit_price ?? '',
    amount: line.amount,
    tax_rate: line.tax_rate ?? '',
    plan: printable(line.plan ?? ''),
    plan_version: line.plan_version === null ? '' : String(line.plan_version),
    ...(line.period === null ? {} : periodCells(line.period, period.timezone)),
  }
}

function totals(document: Invoice | CreditNote): CsvRow[] {
  const { subtotal, taxes, total } = document
  const rows: CsvRow[] = [
    { row: 'subtotal', description: 'Subtotal', amount: subtotal },
    ...usedTaxes(taxes).map(({ tax, tax_rate }) => {
      return { row: 'tax', description: 'Tax', amount: tax, tax_rate: tax_rate ?? '' }
    }),
    { row: 'total', description: 'Total', amount: total },
  ]
  if ('credit_note_id' in document) return rows
  return [
    ...rows,
    { row: 'credit_applied', description: 'Credit applied', amount: document.credit_applied },
    { row: 'credited', description: 'Credited', amount: document.credited },
    { row: 'amount_due', description: 'Amount due', amount: document.amount_due },
  ]
}

function periodCells({ start, end }: { start: string; end: string }, timeZone: string): CsvRow {
  return { period_start: formatIsoDate(start, timeZone), period_end: formatIsoDate(end, timeZone) }
}

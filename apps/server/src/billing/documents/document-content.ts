import type { CreditNote, Invoice, InvoiceLine, Party } from '@tollgate/contract'
import { formatMoney, NOTHING, parseExact } from '../../lib/money.ts'
import { decimalsOf, formatMoneyText, formatQuantity } from './format-amount.ts'
import { formatDate, formatDates } from './format-date.ts'
import { lineMath } from './line-math.ts'
import { printable } from './printable.ts'
import { usedTaxes } from '../pricing/totals.ts'

export type BillingDocument = Invoice | CreditNote

/** What a page says, in the order in which it says it. HTML and PDF show the same. */
export type DocumentContent = {
  title: string
  number: string | null
  stamp: { text: string; tone: 'good' | 'bad' | 'quiet' } | null
  /** The one amount that the reader looks for first. */
  headline: { amount: string; text: string }
  facts: Labelled[]
  parties: { role: string; name: string; address: string[]; contacts: string[] }[]
  columns: { description: string; quantity: string; unitPrice: string; amount: string }
  rows: Row[]
  totals: (Labelled & { weight: 'normal' | 'strong' })[]
  notes: string[]
}
export type Labelled = { label: string; value: string }
export type Row = {
  description: string
  /** In small type below it: period, tax, math. */
  details: string[]
  quantity: string
  unitPrice: string
  amount: string
}

export function documentContent(document: BillingDocument): DocumentContent {
  return {
    ...('credit_note_id' in document ? creditNoteHead(document) : invoiceHead(document)),
    parties: [
      { role: 'From', ...partyTexts(document.seller) },
      { role: 'Bill to', ...partyTexts(document.customer) },
    ],
    columns: {
      description: 'Description',
      quantity: 'Quantity',
      unitPrice: 'Unit price',
      amount: `Amount (${document.currency})`,
    },
    rows: document.lines.map((line) => row(line, document)),
    totals: totals(document),
    notes: notes(document),
  }
}

type Head = Pick<DocumentContent, 'title' | 'number' | 'stamp' | 'headline' | 'facts'>

function invoiceHead(invoice: Invoice): Head {
  const { status, period, number } = invoice
  const date = (instant: string) => formatDate(instant, period.timezone)
  return {
    title: status === 'draft' ? 'Draft invoice' : 'Invoice',
    number: number === null ? null : printable(number),
    stamp: stampOf(invoice),
    headline: headlineOf(invoice, date),
    facts: facts([
      ['Invoice number', number],
      ['Date of issue', invoice.issued_at && date(invoice.issued_at)],
      ['Date due', invoice.due_at && date(invoice.due_at)],
      ['Date paid', invoice.paid_at && date(invoice.paid_at)],
      ['Billing period', formatDates(period.start, period.end, period.timezone)],
      ['Plan', invoice.plan],
    ]),
  }
}

function creditNoteHead(note: CreditNote): Head {
  const { period } = note
  return {
    title: 'Credit note',
    number: printable(note.number),
    stamp: null,
    headline: { amount: money(note.total, note), text: 'credited' },
    facts: facts([
      ['Credit note number', note.number],
      ['Date of issue', note.issued_at && formatDate(note.issued_at, period.timezone)],
      ['For invoice', note.invoice_number],
      ['Billing period', formatDates(period.start, period.end, period.timezone)],
      ['Reason', note.reason],
    ]),
  }
}

function stampOf({ status }: Invoice): DocumentContent['stamp'] {
  switch (status) {
    case 'draft':
      return { text: 'DRAFT', tone: 'quiet' }
    case 'open':
      return null
    case 'paid':
      return { text: 'PAID', tone: 'good' }
    case 'uncollectible':
      return { text: 'UNCOLLECTIBLE', tone: 'bad' }
    case 'void':
      return { text: 'VOID', tone: 'bad' }
  }
}

function headlineOf(invoice: Invoice, date: (instant: string) => string): Head['headline'] {
  const due = money(invoice.amount_due, invoice)
  switch (invoice.status) {
    case 'draft':
      return { amount: money(invoice.total, invoice), text: 'so far' }
    case 'paid': {
      if (isBelowZero(invoice)) return { amount: due, text: 'due: nothing is to be paid' }
      const text = invoice.paid_at === null ? 'paid' : `paid on ${date(invoice.paid_at)}`
      return { amount: money(paidAmount(invoice), invoice), text }
    }
    case 'void':
      return { amount: due, text: 'due: this invoice is void' }
    default:
      return {
        amount: due,
        text: invoice.due_at === null ? 'due' : `due ${date(invoice.due_at)}`,
      }
  }
}

function facts(all: [label: string, value: string | null][]): Labelled[] {
  return all.flatMap(([label, value]) =>
    value === null || value === '' ? [] : [{ label, value: printable(value) }],
  )
}

function partyTexts({ name, address, email, tax_id }: Party) {
  const shown = (texts: string[]) => texts.map(printable).filter((text) => text !== '')
  return {
    name: printable(name),
    address: shown(address),
    contacts: shown([email ?? '', tax_id === null ? '' : `Tax ID: ${tax_id}`]),
  }
}

function row(line: InvoiceLine, document: BillingDocument): Row {
  const decimals = decimalsOf(document.total)
  const { timezone } = document.period
  const unit = line.unit === null || line.meter === 'base' ? '' : ` ${printable(line.unit)}`
  const details = [
    line.period === null ? null : formatDates(line.period.start, line.period.end, timezone),
    lineTax(line, document),
    ...lineMath(line, decimals),
  ]
  // What is no charge (a discount, what is missing to a minimum) has no quantity that says anything.
  const counted = line.kind !== 'discount' && line.kind !== 'minimum_commitment'
  return {
    description: printable(line.description),
    details: details.filter((text) => text !== null),
    quantity: counted ? `${formatQuantity(line.quantity)}${unit}` : '',
    unitPrice: counted && line.unit_price !== null ? money(line.unit_price, document) : '',
    amount: money(line.amount, document),
  }
}

function lineTax(line: InvoiceLine, document: BillingDocument): string | null {
  if (line.tax_rate === document.tax_rate) return null
  return line.tax_rate === null ? 'No tax' : `Tax ${percent(line.tax_rate)}`
}

function totals(document: BillingDocument): DocumentContent['totals'] {
  const rows: DocumentContent['totals'] = []
  const add = (label: string, text: string, weight: 'normal' | 'strong' = 'normal') => {
    rows.push({ label, value: money(text, document), weight })
  }
  add('Subtotal', document.subtotal)
  const taxes = usedTaxes(document.taxes)
  for (const { tax_rate, subtotal, tax } of taxes) {
    // What it is on is said where it is not the subtotal above.
    const on = taxes.length === 1 ? '' : ` on ${money(subtotal, document)}`
    if (tax_rate !== null) add(`Tax (${percent(tax_rate)}${on})`, tax)
    else if (on !== '') add(`No tax${on}`, tax)
  }
  if ('credit_note_id' in document) {
    add('Total credited', document.total, 'strong')
    return rows
  }
  const isDraft = document.status === 'draft'
  add(isDraft ? 'Total so far' : 'Total', document.total, isDraft ? 'strong' : 'normal')
  if (!isZero(document.credit_applied)) add('Your credit', negative(document.credit_applied))
  if (isDraft) return rows
  if (!isZero(document.credited)) add('Credited', negative(document.credited))
  if (isBelowZero(document)) add('For the next invoices', negative(document.total))
  else if (document.status === 'paid') add('Paid', negative(paidAmount(document)))
  if (document.status === 'void') add('Void', negative(paidAmount(document)))
  add('Amount due', document.amount_due, 'strong')
  return rows
}

function notes(document: BillingDocument): string[] {
  const notes = [`Amounts are in ${document.currency}. Dates are in ${document.period.timezone}.`]
  if ('credit_note_id' in document) {
    notes.unshift(`This takes back a part of invoice ${printable(document.invoice_number)}.`)
  } else if (document.status === 'draft') {
    notes.unshift('A draft is no invoice: it changes until the period is closed.')
  }
  if (!('credit_note_id' in document) && !isZero(document.credit_balance)) {
    const left = money(document.credit_balance, document)
    notes.unshift(`${left} in your favour are left over, and are taken off the next invoices.`)
  }
  return notes
}

/** Also what a void one would have been due. */
function paidAmount({ total, credited, credit_applied, currency }: Invoice): string {
  const asked = parseExact(total).sub(parseExact(credited)).sub(parseExact(credit_applied))
  // Credited beyond what was asked for in money, credit goes back to where it came from.
  return formatMoney(asked.gt(0) ? asked : NOTHING, currency)
}

/** What corrections take back is more than what is charged. */
function isBelowZero({ total }: Invoice): boolean {
  return parseExact(total).isNegative()
}

function money(text: string, { currency, total }: BillingDocument): string {
  return formatMoneyText(text, currency, decimalsOf(total))
}

function percent(rate: string): string {
  return `${rate.includes('.') ? rate.replace(/\.?0+$/, '') : rate}%`
}

function isZero(text: string): boolean {
  return /^-?0+(\.0+)?$/.test(text)
}

function negative(text: string): string {
  if (isZero(text)) return text
  return text.startsWith('-') ? text.slice(1) : `-${text}`
}

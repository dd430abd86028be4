import type { ExplainedLine, InvoiceExplanation, InvoiceLine } from '@tollgate/contract'
import type { Catalog } from '../../catalog/catalog.ts'
import { type Decimal, formatMoney, NOTHING, parseExact } from '../../lib/money.ts'
import { CLOSING, CREDITED } from '../invoices/adjustments.ts'
import { type IssuedInvoice, taxesOf } from '../invoices/invoice-json.ts'
import { chargeOfKey } from '../invoices/rate-period.ts'
import type { InvoiceRow, VoidInvoice } from '../invoices/store.ts'
import type { Billed } from '../invoices/types.ts'
import { usedTaxes } from '../pricing/totals.ts'
import { type CreditStory, dueOf, sumText } from './amount-due.ts'
import { type LateLines, lateLinesOf } from './late-lines.ts'
import { adjustmentRule, chargeRule, discountRule, minimumRule, taxRule } from './rules.ts'

/** What went before an invoice that its corrections, and the credit that it took, are from. */
export type Earlier = {
  readonly late: LateLines
  readonly voids: readonly VoidInvoice[]
  readonly credit: CreditStory
  /** Whether the lines that it was measured from are deleted. */
  readonly isPast: boolean
}

/** How each line of an issued invoice, and what they come to, was worked out. */
export async function explainInvoice(
  row: InvoiceRow,
  catalog: Catalog,
  { late, voids, credit, isPast }: Earlier,
): Promise<InvoiceExplanation> {
  const issued = row.document.issued as IssuedInvoice
  const next = billedInOrder(row)
  const lines: ExplainedLine[] = []
  let sum = NOTHING
  for (const line of issued.lines) {
    const of = next(line)
    const rule =
      of === undefined
        ? closingRule(row, line, lines, formatMoney(sum, row.currency))
        : await billedRule({ catalog, currency: row.currency, voids }, line, of)
    sum = sum.add(parseExact(line.amount))
    lines.push(explained(line, rule, lateLinesOf(late, line, of)))
  }
  return {
    invoice_id: row.invoice_id,
    number: row.number,
    currency: row.currency,
    period: issued.period,
    through_seq: Number(row.through_seq),
    past_retention: isPast,
    lines,
    totals: [...totalsOf(issued), ...dueOf(row, credit)],
    credit_from: credit.origins,
  }
}

/** What the basis says of each line that is asked for in turn; of what closes the charges it says nothing. */
function billedInOrder({ period_start, document }: InvoiceRow) {
  const { billed } = document.basis
  const own = billed.filter(
    ({ periodStart, key }) => periodStart === period_start && key !== CLOSING,
  )
  const earlier = billed.filter(({ periodStart }) => periodStart !== period_start)
  return ({ kind }: InvoiceLine): Billed | undefined => {
    if (kind === 'charge') return own.shift()
    return kind === 'adjustment' ? earlier.shift() : undefined
  }
}

async function billedRule(
  of: { catalog: Catalog; currency: string; voids: readonly VoidInvoice[] },
  line: InvoiceLine,
  billed: Billed,
): Promise<string> {
  const rule = await keyRule(of, line, billed)
  if (line.kind !== 'adjustment') return rule
  const without = of.voids.filter(({ basis }) => {
    return basis.billed.some(({ periodStart, key }) => {
      return periodStart === billed.periodStart && key === billed.key
    })
  })
  return adjustmentRule(
    rule,
    without.map(({ number }) => number),
  )
}

async function keyRule(
  { catalog, currency }: { catalog: Catalog; currency: string },
  line: InvoiceLine,
  { key }: Billed,
): Promise<string> {
  if (key === CLOSING) return 'the discounts and the minimum commitment of that period'
  if (key === CREDITED) {
    return 'what people credited of that period above what it costs, so that it never comes to less than nothing'
  }
  const { planVersionNo, charge: index } = chargeOfKey(key)
  const terms = await catalog.loadPlanVersion(planVersionNo)
  const charge = (terms.prices.get(currency) ?? terms.price).charges[index]!
  return chargeRule(charge, line.math)
}

/** Of what is no charge. Discounts that found nothing to take anything off have no line. */
function closingRule(
  { document }: InvoiceRow,
  line: InvoiceLine,
  above: readonly ExplainedLine[],
  before: string,
): string {
  const { minimumCommitment, discounts } = document.basis
  if (line.kind === 'minimum_commitment') return minimumRule(minimumCommitment ?? '0', before)
  const same = discounts.filter(({ description }) => description === line.description)
  const taken = above.filter(
    ({ kind, description }) => kind === 'discount' && description === line.description,
  )
  const discount = same[taken.length]
  if (discount === undefined)
    throw new Error(`no discount “${line.description}” in what it is from`)
  return discountRule(discount, before)
}

function explained(line: InvoiceLine, rule: string, late: ExplainedLine['late']): ExplainedLine {
  const { kind, description, meter, unit, plan, plan_version, period, entries, math, amount } = line
  const head = { kind, description, meter, unit, plan, plan_version, period, entries }
  return { ...head, rule, math, sum_of_math: sumOf(math), amount, late }
}

function sumOf(math: InvoiceLine['math']): string | null {
  if (math.length === 0) return null
  const add = (sum: Decimal, step: { amount: string }) => sum.add(parseExact(step.amount))
  return math.reduce(add, NOTHING).toFixed()
}

function totalsOf({ lines, ...issued }: IssuedInvoice): InvoiceExplanation['totals'] {
  const amounts = lines.map(({ amount }) => amount)
  const { subtotal, tax, total } = issued
  return [
    { what: 'subtotal', rule: `the sum of all lines: ${sumText(amounts)}`, amount: subtotal },
    {
      what: 'tax',
      rule: taxRule(usedTaxes(taxesOf(issued))),
      amount: tax,
    },
    { what: 'total', rule: `subtotal and tax: ${sumText([subtotal, tax])}`, amount: total },
  ]
}

import { formatMoney, NOTHING, parseExact } from '../../lib/money.ts'
import { type Adjustment, adjustmentsOf } from './adjustments.ts'
import type { PeriodLine } from './rate-period.ts'
import type { AskedDocument } from './types.ts'

/**
 * What an earlier period is still to be corrected by, after all documents of its tenant. A void one asks
 * for nothing, so what it asked for other periods is asked again; its own period is closed by it: nothing
 * of that is asked or given back any more. Pure.
 * @param lines what the period costs now
 */
export function correctionsOf(
  documents: readonly AskedDocument[],
  periodStart: number,
  lines: readonly PeriodLine[],
  currency: string,
): Adjustment[] {
  const invoice = documents.find((document) => document.periodStart === periodStart)
  if (invoice?.isVoid) return []
  const standing = documents.filter(({ isVoid }) => !isVoid)
  const asked = standing.flatMap(({ basis }) => basis.billed)
  const { discounts = [], minimumCommitment = null } = invoice?.basis ?? {}
  const creditedByHand = creditedOf(standing, periodStart, currency)
  const closing = { currency, discounts, minimumCommitment, creditedByHand }
  const taxed = invoice === undefined ? {} : { taxRate: invoice.taxRate }
  return adjustmentsOf(periodStart, lines, asked, closing).map((adjustment) => ({
    ...adjustment,
    ...taxed,
  }))
}

/** The earlier periods that an invoice asked for, and its own. */
export function periodsAskedBy({ basis, periodStart }: AskedDocument): number[] {
  const own = periodStart === null ? [] : [periodStart]
  return [...new Set([...own, ...basis.billed.map((line) => line.periodStart)])]
}

function creditedOf(
  documents: readonly AskedDocument[],
  periodStart: number,
  currency: string,
): string {
  const parts = documents.map((document) => sharesOfCredit(document).get(periodStart) ?? NOTHING)
  return formatMoney(
    parts.reduce((sum, part) => sum.add(part), NOTHING),
    currency,
  )
}

/**
 * Which periods the credits of an invoice are for: its own, up to what it asked for that, then the ones
 * that it corrected. Were all of it for its own, a correction that was credited would be asked again as
 * what is credited above the cost of a period that has little.
 */
function sharesOfCredit(document: AskedDocument) {
  const shares = new Map<number, typeof NOTHING>()
  let left = parseExact(document.creditedByHand)
  for (const start of left.isZero() ? [] : periodsAskedBy(document)) {
    const asked = document.basis.billed
      .filter((line) => line.periodStart === start)
      .reduce((sum, { amount }) => sum.add(parseExact(amount)), NOTHING)
    const share = asked.lt(left) ? asked : left
    if (share.lte(NOTHING)) continue
    shares.set(start, share)
    left = left.sub(share)
  }
  const own = document.periodStart
  // Never more than it asked for: but a cent of tax may be rounded to the other side.
  if (own !== null && left.gt(NOTHING)) shares.set(own, (shares.get(own) ?? NOTHING).add(left))
  return shares
}

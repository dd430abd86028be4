import { formatMoney, NOTHING, parseExact } from '../../lib/money.ts'
import { closingAmount, type Discount } from '../pricing/totals.ts'
import type { PeriodLine } from './rate-period.ts'
import type { Billed } from './types.ts'

/** By how much a line of an earlier period costs more or less than what was asked for it. */
export type Adjustment = {
  readonly difference: Billed
  /** What it costs now, and what was asked until now. */
  readonly asNow: string
  readonly asBilled: string
  readonly entries: PeriodLine['entries']
  /** Of the invoice that is corrected; not given: there is none, or the rule was another one then. */
  readonly taxRate?: string | null
}

/** What closes the bill of a period: the same, when it is worked out again. */
export type Closing = {
  readonly currency: string
  readonly discounts: readonly Discount[]
  readonly minimumCommitment: string | null
  /** What people credited of what was asked for the period, without tax. */
  readonly creditedByHand: string
}

/**
 * What a period costs now less all that was asked for it, line by line. Both are rounded, so what is
 * asked in the end is what would have been asked at once: with the discounts and the commitment of that
 * period. But never less than people credited of it: what was given back once is not given back again.
 * Pure.
 */
export function adjustmentsOf(
  periodStart: number,
  now: readonly PeriodLine[],
  billed: readonly Billed[],
  closing: Closing,
): Adjustment[] {
  const asked = new Map<string, Billed>()
  for (const line of billed) {
    if (line.periodStart !== periodStart) continue
    const before = asked.get(line.key)
    asked.set(line.key, before === undefined ? line : plus(before, line))
  }
  const entries = new Map(now.map((line) => [line.key, line.entries]))
  const costs = [
    ...now.map((line) => billedOf(periodStart, line)),
    ...closingBilled(periodStart, now, closing),
  ]
  const all = [...costs, ...creditedBilled(periodStart, costs, closing)]
  const lines = new Map(all.map((line) => [line.key, line]))
  const keys = [...new Set([...lines.keys(), ...asked.keys()])]
  return keys.flatMap((key) => {
    const before = asked.get(key)
    const is = lines.get(key) ?? nothing(before!)
    const was = before ?? nothing(is)
    if (is.amount === was.amount && is.quantity === was.quantity) return []
    if (parseExact(is.amount).eq(parseExact(was.amount))) return []
    return [
      {
        difference: { ...is, ...difference(is, was) },
        asNow: is.amount,
        asBilled: was.amount,
        entries: entries.get(key) ?? null,
      },
    ]
  })
}

export function billedOf(periodStart: number, line: PeriodLine): Billed {
  const { key, description, meter, unit, quantity, amount, plan, planVersion } = line
  return { periodStart, key, description, meter, unit, quantity, amount, plan, planVersion }
}

/** The key of what closes a period's charges. */
export const CLOSING = 'closing'

/** Commitment and discounts as one thing that was asked; none where they come to nothing. */
export function closingBilled(
  periodStart: number,
  lines: readonly { amount: string }[],
  closing: Omit<Closing, 'creditedByHand'>,
): Billed[] {
  const amount = closingAmount({ ...closing, lines })
  return asOneThing(periodStart, CLOSING, 'Discounts and minimum commitment', amount)
}

/** The key of what people credited of a period above what it costs. */
export const CREDITED = 'credited'

/** Asked for so that, with the credits taken off, a period never comes to less than nothing. */
function creditedBilled(
  periodStart: number,
  costs: readonly { amount: string }[],
  { creditedByHand, currency }: Closing,
): Billed[] {
  const credited = parseExact(creditedByHand)
  const above = costs.reduce((left, { amount }) => left.sub(parseExact(amount)), credited)
  if (credited.isZero() || above.lte(NOTHING)) return []
  const amount = formatMoney(above, currency)
  return asOneThing(periodStart, CREDITED, 'Credited above what it costs', amount)
}

function asOneThing(
  periodStart: number,
  key: string,
  description: string,
  amount: string,
): Billed[] {
  if (parseExact(amount).isZero()) return []
  const nothingMeasured = { meter: 'base', unit: '', quantity: '1', plan: '', planVersion: 0 }
  return [{ periodStart, key, description, amount, ...nothingMeasured }]
}

function nothing(line: Billed): Billed {
  const zero = parseExact(line.amount).mul(0).toFixed(decimalsOf(line.amount))
  return { ...line, quantity: '0', amount: zero }
}

function plus(a: Billed, b: Billed): Billed {
  const quantity = parseExact(a.quantity).add(parseExact(b.quantity)).toFixed()
  const amount = parseExact(a.amount).add(parseExact(b.amount)).toFixed(decimalsOf(a.amount))
  return { ...a, quantity, amount }
}

function difference(is: Billed, was: Billed) {
  return {
    quantity: parseExact(is.quantity).sub(parseExact(was.quantity)).toFixed(),
    amount: parseExact(is.amount).sub(parseExact(was.amount)).toFixed(decimalsOf(is.amount)),
  }
}

/** Amounts carry the decimals of their currency. */
export function decimalsOf(amount: string): number {
  return amount.split('.')[1]?.length ?? 0
}

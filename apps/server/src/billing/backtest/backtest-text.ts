import { NOTHING, parseExact } from '../../lib/money.ts'
import type { BacktestCurrency, BacktestRow } from './totals.ts'

const HEADINGS = ['tenant', 'plan', 'now', 'then', 'difference', '%', 'denied', 'allowed', '']

/** A table for people: who would pay most more comes first, who would save most last. */
export function backtestText(
  rows: readonly BacktestRow[],
  currencies: readonly BacktestCurrency[],
): string {
  const sorted = rows.toSorted(
    (a, b) =>
      parseExact(b.difference).cmp(parseExact(a.difference)) ||
      (a.tenant_id < b.tenant_id ? -1 : 1),
  )
  const table = tableOf([HEADINGS, ...sorted.map(cellsOf)])
  const total = (of: (row: BacktestRow) => number) => rows.reduce((sum, row) => sum + of(row), 0)
  return [
    ...table,
    '',
    ...currencies.map(currencyText),
    `${total((row) => row.allowed_to_denied)} calls that were allowed would be denied, ${total((row) => row.denied_to_allowed)} that were denied would be allowed`,
    `${total((row) => row.refused)} entries could not be carried out and were left out`,
    '',
  ].join('\n')
}

function cellsOf(row: BacktestRow): string[] {
  return [
    row.tenant_id,
    row.plan,
    `${row.now} ${row.currency}`,
    `${row.then} ${row.currency}`,
    signed(row.difference),
    percentOf(row),
    String(row.allowed_to_denied),
    String(row.denied_to_allowed),
    row.kept_plans.length === 0 ? '' : `keeps ${row.kept_plans.join(', ')}`,
  ]
}

function currencyText({ currency, now, then, difference, ...of }: BacktestCurrency): string {
  const percent = percentOf({ now, difference })
  return `${currency}: ${now} now, ${then} then, ${signed(difference)} (${percent}); ${of.winners} would pay less, ${of.losers} more, ${of.unchanged} the same`
}

/** Of what is paid now, with one decimal; where nothing is, there is no percentage. */
function percentOf({ now, difference }: Pick<BacktestRow, 'now' | 'difference'>): string {
  const [base, change] = [parseExact(now), parseExact(difference)]
  if (change.isZero()) return '0 %'
  if (base.eq(NOTHING)) return 'new'
  return `${signed(change.div(base.abs()).mul(100).toFixed(1))} %`
}

function signed(amount: string): string {
  return amount.startsWith('-') || parseExact(amount).isZero() ? amount : `+${amount}`
}

/** Names to the left, numbers to the right. */
function tableOf(cells: readonly string[][]): string[] {
  const widths = HEADINGS.map((_, column) =>
    cells.reduce((width, row) => Math.max(width, row[column]!.length), 0),
  )
  return cells.map((row) =>
    row
      .map((cell, column) => {
        const toLeft = column < 2 || column === HEADINGS.length - 1
        return toLeft ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
      })
      .join('  ')
      .trimEnd(),
  )
}

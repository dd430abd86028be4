import { type Decimal, NOTHING, parseExact } from '../../lib/money.ts'
import type { CreditMoveRow } from './store.ts'

/** A part of a tenant's credit, and which invoice below zero left it over. */
export type CreditPart = { readonly invoiceId: string; readonly amount: Decimal }
/** `no`: of the move by which it was left over. */
type Left = { no: number; invoiceId: string; amount: Decimal }

/**
 * From what an invoice took its credit when it was issued: what was left over first is taken first, and what
 * is given back goes to where it came from, the last that was taken first. Pure.
 * @param moves of one tenant, in order
 */
export function creditOrigins(moves: readonly CreditMoveRow[], invoiceId: string): CreditPart[] {
  let left: Left[] = []
  const takenBy = new Map<string, Left[]>()
  for (const { no, kind, invoice_id, amount } of moves) {
    const money = parseExact(amount).abs()
    if (kind === 'left_over') {
      left.push({ no, invoiceId: invoice_id, amount: money })
      continue
    }
    if (kind === 'applied') {
      const [taken, rest] = split(left, money)
      if (invoice_id === invoiceId) return taken
      left = rest
      takenBy.set(invoice_id, taken)
      continue
    }
    const taken = (takenBy.get(invoice_id) ?? []).toReversed()
    const [back, kept] = split(taken, money)
    left = together([...left, ...back])
    takenBy.set(invoice_id, kept.toReversed())
  }
  return []
}

/** So much from the beginning, and what is behind it. */
function split(parts: readonly Left[], wanted: Decimal): [first: Left[], rest: Left[]] {
  const first: Left[] = []
  const rest: Left[] = []
  let open = wanted
  for (const part of parts) {
    const amount = part.amount.lt(open) ? part.amount : open
    if (amount.gt(NOTHING)) first.push({ ...part, amount })
    if (part.amount.gt(amount)) rest.push({ ...part, amount: part.amount.sub(amount) })
    open = open.sub(amount)
  }
  return [first, rest]
}

/** In the order in which they were left over, each once. */
function together(parts: readonly Left[]): Left[] {
  return [...Map.groupBy(parts, ({ no }) => no)]
    .sort(([one], [other]) => one - other)
    .map(([, same]) => {
      return { ...same[0]!, amount: same.reduce((sum, { amount }) => sum.add(amount), NOTHING) }
    })
}

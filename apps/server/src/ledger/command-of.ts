import type { Catalog } from '../catalog/catalog.ts'
import { priceCall } from '../catalog/price-call.ts'
import { rollTo } from './lapse.ts'
import { planAtHand } from './plan-at-hand.ts'
import { planVersionAt } from './subscription.ts'
import type { Account, AccountChange, Call, Command, Micros, SenderNo } from './types.ts'

type PricelessCommand = Exclude<Command, { kind: 'call' } | { kind: 'report' } | { kind: 'hold' }>

/** A call as it is handed to a lane: what it costs is worked out with the account at hand. */
export type Order =
  | { readonly kind: 'call'; readonly call: Call }
  | { readonly kind: 'report'; readonly call: Call }
  /** How long it lasts: from when on, only the log's own time says. */
  | { readonly kind: 'hold'; readonly credits: Micros; readonly lastsMs: number }
  | PricelessCommand

/** What of a catalog prices an order. */
export type Pricing = Pick<Catalog, 'rules' | 'planVersion'>

/**
 * The order as a command at `now`: calls are given their region and their price by the catalog's rules,
 * a plan that begins at once the credits that it brings for the rest of the period.
 */
export function commandOf(
  order: Order,
  senderNo: SenderNo,
  account: Account,
  catalog: Pricing,
  now: number,
): Command {
  if (order.kind === 'hold') {
    return { kind: 'hold', credits: order.credits, expiresAt: now + order.lastsMs }
  }
  if (order.kind === 'change') return withAllowance(order, account, catalog, now)
  if (order.kind !== 'call' && order.kind !== 'report') return order
  const call =
    order.call.region === null && account.region !== null
      ? { ...order.call, region: account.region }
      : order.call
  return { kind: order.kind, call, price: priceCall(catalog.rules, call), senderNo }
}

type Change = Extract<Command, { kind: 'change' }>

/** By how much the new plan gives more than the old, for the part of the period that is left. */
function withAllowance(order: Change, stored: Account, catalog: Pricing, now: number): Change {
  const { planVersionNo } = order.change
  if (planVersionNo === undefined) return order
  // As it stands once the period began that nobody has looked at yet: `decide` sees it so, too.
  const current = rollTo(stored, planAtHand(catalog, planVersionAt(stored, now)), now)
  const { start, end } = current.period
  const given = current.allowance !== null && current.allowance.through >= end
  if (!isDue(order.change, current, given)) return order
  const before = given ? creditsOf(catalog, current.planVersionNo) : 0n
  const more = creditsOf(catalog, planVersionNo) - before
  if (more <= 0n) return order
  const allowance = (more * BigInt(end - now)) / BigInt(end - start)
  return { kind: 'change', change: { ...order.change, allowance } }
}

/** Who begins again gets, as all others who begin, what the rest of the period is worth. */
function isDue(change: AccountChange, { subscription, planVersionNo }: Account, given: boolean) {
  if (subscription === 'canceled') return change.subscription === 'active'
  // Else all of it is given as soon as the pause ends.
  if (subscription === 'paused' && !given) return false
  return change.planVersionNo !== planVersionNo
}

function creditsOf(catalog: Pricing, planVersionNo: number): Micros {
  return planAtHand(catalog, planVersionNo).allowance?.credits ?? 0n
}

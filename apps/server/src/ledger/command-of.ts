import type { Catalog } from '../catalog/catalog.ts'
import { priceCall } from '../catalog/price-call.ts'
import { planAtHand } from './plan-at-hand.ts'
import type { Account, Call, Command, Micros, SenderNo } from './types.ts'

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
function withAllowance(order: Change, account: Account, catalog: Pricing, now: number): Change {
  const { planVersionNo } = order.change
  if (planVersionNo === undefined || planVersionNo === account.planVersionNo) return order
  // In a period that nobody has looked at yet, it is the new plan's whole allowance that is due.
  if (now >= account.period.end) return order
  const { start, end } = account.period
  const given = account.allowance !== null && account.allowance.through >= end
  const before = given ? creditsOf(catalog, account.planVersionNo) : 0n
  const more = creditsOf(catalog, planVersionNo) - before
  if (more <= 0n) return order
  const allowance = (more * BigInt(end - now)) / BigInt(end - start)
  return { kind: 'change', change: { ...order.change, allowance } }
}

function creditsOf(catalog: Pricing, planVersionNo: number): Micros {
  return planAtHand(catalog, planVersionNo).allowance?.credits ?? 0n
}

import type { Catalog } from '../catalog/catalog.ts'
import { priceCall } from '../catalog/price-call.ts'
import type { Account, Call, Command, SenderNo } from './types.ts'

type PricelessCommand = Exclude<Command, { kind: 'call' } | { kind: 'report' }>

/** A call as it is handed to a lane: what it costs is worked out with the account at hand. */
export type Order =
  | { readonly kind: 'call'; readonly call: Call }
  | { readonly kind: 'report'; readonly call: Call }
  | PricelessCommand

/** The order as a command: calls are given their region and their price by the catalog's rules. */
export function commandOf(
  order: Order,
  senderNo: SenderNo,
  account: Account,
  catalog: Catalog,
): Command {
  if (order.kind !== 'call' && order.kind !== 'report') return order
  const call =
    order.call.region === null && account.region !== null
      ? { ...order.call, region: account.region }
      : order.call
  return { kind: order.kind, call, price: priceCall(catalog.rules, call), senderNo }
}

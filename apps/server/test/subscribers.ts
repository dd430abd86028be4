import { after } from 'node:test'
import { checkReply } from './api-contract.ts'
import { catalogFile } from './api-catalog.ts'
import { expectStatus, type Reply, type TestNode, testNode } from './node.ts'

/** Plans between which subscriptions move, each small enough to be worked out by hand. */
const CATALOG = `
catalog: 1
plans:
  small: { price: { base: "10" }, quota: { limit: 3, overage: deny } }
  big: { price: { base: "25", per_unit: "0.5", included: 10 }, quota: { limit: 5, overage: deny } }
  arrears: { price: { charges: [{ name: Fee, model: flat, amount: "30", timing: in_arrears }] } }
  try: { price: { base: "28" }, trial_days: 14 }
  another: { price: { base: "56" }, trial_days: 30 }
  free: {}
  euro: { price: { currency: EUR, base: "9" } }
  both: { price: { currency: EUR, base: "9" }, prices: [{ currency: USD, base: "12" }] }
  agreed: { self_service: false, price: { base: "100" } }
  paid:
    credits: required
    allowance: { credits: 310 }
    price: &sold { charges: [{ name: Credits, model: prepaid_credits, credit_price: "0.02" }] }
  rich: { credits: required, allowance: { credits: 620, rollover_max: 100 }, price: *sold }
  bare: { credits: required, price: *sold }
  tried: { credits: required, price: *sold, trial_days: 60 }
  unsold: { credits: required }
`

export type Subscriber = { id: string; key: string }

/** A node with these plans, and what is asked of it about subscriptions on test clocks. */
export async function subscribersNode() {
  const catalog = await catalogFile(CATALOG)
  const node = await testNode({ catalogFile: catalog.path })
  after(async () => {
    await node.stop()
    await catalog.remove()
  })
  return { node, ...subscriberCalls(node) }
}

function subscriberCalls(node: TestNode) {
  const send = async (tenant: Subscriber, path: string, body?: object) => {
    const method = body === undefined ? 'GET' : 'POST'
    const reply = await node.call(method, `/api${path}`, tenant.key, body)
    checkReply(method, `/api${path}`, reply)
    return reply
  }
  const ask = async (tenant: Subscriber, path: string, body?: object): Promise<Reply['body']> =>
    expectStatus(await send(tenant, path, body), 200).body
  return {
    send,
    ask,
    /** With a key that may also change the subscription. */
    async subscriber(plan: string, testClock: string, more: object = {}): Promise<Subscriber> {
      const { id } = await node.tenant({ plan, test_clock: testClock, ...more })
      const scopes = { scopes: ['track', 'read', 'admin'] }
      const made = await node.admin('POST', `/api/admin/tenants/${id}/keys`, scopes)
      return { id, key: expectStatus(made, 201).body.key }
    },
    async moveTo({ id }: Subscriber, now: string): Promise<string[]> {
      const moved = await node.admin('POST', `/api/admin/tenants/${id}/clock`, { now })
      return expectStatus(moved, 200).body.invoices
    },
    /** Newest first. */
    invoices: async (tenant: Subscriber): Promise<Reply['body'][]> =>
      (await node.call('GET', '/api/billing/invoices', tenant.key)).body.data,
    upcoming: async (tenant: Subscriber): Promise<Reply['body']> =>
      (await node.call('GET', '/api/billing/upcoming', tenant.key)).body,
    calls: async (tenant: Subscriber, count: number): Promise<number[]> => {
      const statuses: number[] = []
      for (let sent = 0; sent < count; sent += 1) {
        statuses.push((await send(tenant, '/track', { endpoint: '/x' })).status)
      }
      return statuses
    },
  }
}

export const amounts = ({ lines }: Reply['body']): [string, string][] =>
  lines.map(({ description, amount }: Reply['body']) => [description, amount])

import assert from 'node:assert/strict'
import { askForBilling } from '../src/billing/tasks.ts'
import { until } from './embedded.ts'
import { expectStatus, type handClock, type Reply, type TestNode } from './node.ts'

type Tenant = { id: string; key: string }
type Json = Reply['body']

export type BilledTenants = {
  /** One on a test clock. */
  clocked(plan: string, now: string): Promise<Tenant>
  /** @returns the ids of their events */
  calls(tenant: { id: string }, count: number, more?: object): Promise<string[]>
  /** Moves a test clock on. @returns ids of the invoices that were issued */
  move(tenant: { id: string }, now: string): Promise<string[]>
  /** One on a test clock, with its invoice of January 2025 over so many calls at 0.10 USD. */
  invoiced(calls: number): Promise<Tenant & { invoiceId: string }>
  invoices(tenant: Tenant): Promise<Json[]>
  invoice(invoiceId: string): Promise<Json>
}

/** What tests of billing do with the tenants of a node. */
export async function billedTenants(node: TestNode): Promise<BilledTenants> {
  const service = await node.service('billed-calls')
  const calls: BilledTenants['calls'] = async (tenant, count, more = {}) => {
    const call = { tenant_id: tenant.id, endpoint: '/x', ...more }
    const events = Array.from({ length: count }, () => call)
    const reply = expectStatus(await node.call('POST', '/api/track', service.key, events), 200)
    return reply.body.results.map(({ status, event_id }: Json) => {
      assert.equal(status, 200)
      return event_id
    })
  }
  const clocked: BilledTenants['clocked'] = (plan, now) => node.tenant({ plan, test_clock: now })
  const move: BilledTenants['move'] = async ({ id }, now) => {
    const reply = await node.admin('POST', `/api/admin/tenants/${id}/clock`, { now })
    return expectStatus(reply, 200).body.invoices
  }
  return {
    clocked,
    calls,
    move,
    async invoiced(count) {
      const tenant = await clocked('pro', '2025-01-01T00:00:00Z')
      await calls(tenant, count)
      const [invoiceId] = await move(tenant, '2025-02-01T00:00:00Z')
      return { ...tenant, invoiceId: invoiceId! }
    },
    async invoices({ key }) {
      return expectStatus(await node.call('GET', '/api/billing/invoices', key), 200).body.data
    },
    async invoice(invoiceId) {
      return expectStatus(await node.admin('GET', `/api/billing/invoices/${invoiceId}`), 200).body
    },
  }
}

const HOUR_MS = 3_600_000

/**
 * The invoice of a tenant whose first period begins on the day that the node's clock shows, issued as
 * by itself, by the jobs of the node.
 */
export async function issuedByItself(
  node: TestNode,
  clock: ReturnType<typeof handClock>,
  tenant: Tenant,
  periodEnd: string,
): Promise<Json> {
  clock.set(Date.parse(periodEnd) + 2 * HOUR_MS)
  await askForBilling(node.server.pool)
  return until('an invoice', async () => {
    const reply = await node.call('GET', '/api/billing/invoices', tenant.key)
    return expectStatus(reply, 200).body.data[0]
  })
}

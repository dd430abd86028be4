import assert from 'node:assert/strict'
import { UsageFolder } from '../src/analytics/rollups/folder.ts'
import { appendAudit } from '../src/access/audit/append.ts'
import { applyRetention } from '../src/retention/apply-retention.ts'
import { expectStatus, type Reply, type TestNode } from './node.ts'

export type Twin = { id: string; key: string; no: number }
type Json = Reply['body']

/** What a tenant sees of itself that says nothing of which twin it is. */
export type View = { usage: Json; invoices: Json; credits: Json; quota: Json }

/** Tenants that live through the same on test clocks, of whom one is subject to retention. */
export async function retainedTwins(node: TestNode) {
  const { pool, catalog, clock } = node.server
  const service = await node.service(`twins-${Math.random()}`)
  const twin = async (plan: string, now: string, more: object): Promise<Twin> => {
    const tenant = await node.tenant({ plan, test_clock: now, ...more })
    const { rows } = await pool.query('SELECT tenant_no FROM tenant WHERE tenant_id = $1', [
      tenant.id,
    ])
    return { ...tenant, no: rows[0].tenant_no }
  }
  return {
    pair: async (plan: string, now: string, more: object = {}): Promise<[Twin, Twin]> => [
      await twin(plan, now, more),
      await twin(plan, now, more),
    ],
    /** @returns the statuses and decisions, which must be the same for both */
    async track(twins: readonly Twin[], events: object[]): Promise<Json[]> {
      const [one, other] = await Promise.all(
        twins.map(async ({ id }) => {
          const body = events.map((event) => ({ tenant_id: id, ...event }))
          return expectStatus(await node.call('POST', '/api/track', service.key, body), 200).body
            .results
        }),
      )
      const plain = ({ event_id: _, idempotency_key: __, request_id: ___, ...result }: Json) =>
        result
      assert.deepEqual(one.map(plain), other.map(plain))
      return one.map((result: Json, index: number) => [result.event_id, other[index].event_id])
    },
    /** To both, and the same comes of it. */
    async both(twins: readonly Twin[], ask: (twin: Twin, place: number) => Promise<Reply>) {
      const replies = await Promise.all(twins.map(ask))
      const [one, other] = replies as [Reply, Reply]
      assert.equal(one.status, other.status, JSON.stringify([one.body, other.body]))
      return replies as [Reply, Reply]
    },
    service,
    retain: (twin: Twin, more: { linesPerCut?: number; mayGoOn?: () => boolean } = {}) => {
      const { mayGoOn, ...rest } = more
      const deps = { pool, catalog, clock, appendAudit, settledMs: 0, ...rest }
      return applyRetention(deps, twin.no, mayGoOn)
    },
    async fold(): Promise<void> {
      const { foldUsage } = await import('../src/billing/usage/fold.ts')
      const { accountAt } = await import('../src/ledger/readings.ts')
      const { rows } = await pool.query('SELECT tenant_no FROM account')
      for (const { tenant_no: no } of rows) {
        const { now } = await accountAt(pool, catalog, no, clock.now())
        await foldUsage({ pool, catalog }, no, now)
      }
      await new UsageFolder(pool, 100).run()
    },
    async view({ key, id }: Twin, queries: readonly string[]): Promise<View> {
      const get = async (path: string) => {
        const { status, body } = await node.call('GET', path, key)
        return { status, body: plainOf(body, id) }
      }
      return {
        usage: await Promise.all(queries.map(get)),
        invoices: await get('/api/billing/invoices?limit=100'),
        credits: await get('/api/billing/credits'),
        quota: await get('/api/quota'),
      }
    },
  }
}

/** Without what only says who it is. */
function plainOf(body: Json, id: string): Json {
  const text = JSON.stringify(body ?? null)
    .replaceAll(id, 'tenant')
    .replaceAll(/"(inv|evt|req|ten|key|crn)_[\w-]+"/g, '"$1"')
    .replaceAll(/(TEST-)?(INV|CN)-\d+/g, 'number')
    .replaceAll(/"(Tenant \d+|t\d+@example.com)"/g, '"name"')
    .replaceAll(/"request_id":"[^"]+"/g, '"request_id":""')
  return JSON.parse(text)
}

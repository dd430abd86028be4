import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { billedTenants } from '../../../test/billed-tenants.ts'
import { signedIn } from '../../../test/members.ts'
import { expectStatus, handClock, type Reply, testNode } from '../../../test/node.ts'
import { closePeriods } from './close-periods.ts'

const DAY_MS = 86_400_000
const clock = handClock('2025-01-01T00:00:00Z')
const node = await testNode({ clock })
after(() => node.stop())
const billed = await billedTenants(node)
const { server } = node
const seller = { name: 'S', address: [], email: null, tax_id: null }

type Json = Reply['body']

async function close(tenant: { id: string }): Promise<string[]> {
  const { rows } = await server.pool.query('SELECT tenant_no FROM tenant WHERE tenant_id = $1', [
    tenant.id,
  ])
  return closePeriods({ ...server, seller, collects: false }, rows[0].tenant_no)
}

const tenants = await Promise.all(Array.from({ length: 5 }, () => node.tenant({ plan: 'pro' })))
for (const [index, tenant] of tenants.entries()) await billed.calls(tenant, 10 * (index + 1))
clock.set('2025-02-01T02:00:00Z')
// All at the same millisecond, so that places differ by the tenant alone.
for (const tenant of tenants) await close(tenant)
for (const tenant of tenants.slice(0, 2)) await billed.calls(tenant, 1)
clock.set('2025-03-01T02:00:00Z')
for (const tenant of tenants) await close(tenant)
const rehearsal = await billed.invoiced(500)

const list = (query = '') => node.admin('GET', `/api/admin/invoices${query}`)
const mark = (id: string, status: string) =>
  node.admin('POST', `/api/admin/invoices/${id}/status`, { status })

async function all(query: string, from: string | null = null): Promise<Json[]> {
  const seen: Json[] = []
  for (let cursor = from === null ? '' : `&cursor=${from}`; ; ) {
    const { data, next_cursor } = expectStatus(await list(`?${query}${cursor}`), 200).body
    seen.push(...data)
    if (next_cursor === null) return seen
    cursor = `&cursor=${next_cursor}`
  }
}

test('all tenants’ invoices come newest first, in pages of any size, each once', async () => {
  const whole = await all('limit=500')
  assert.equal(whole.length, 10)
  assert.deepEqual(
    whole.map(({ issued_at }) => issued_at),
    [...whole.map(({ issued_at }) => issued_at)].sort().reverse(),
  )
  assert.equal(new Set(whole.map(({ invoice_id }) => invoice_id)).size, 10)
  assert.deepEqual(
    new Set(whole.map(({ tenant_id }) => tenant_id)),
    new Set(tenants.map(({ id }) => id)),
  )
  for (const limit of [1, 2, 3, 4, 7, 10]) {
    assert.deepEqual(await all(`limit=${limit}`), whole)
  }
})

test('a page goes on where the last one ended, also when invoices came in between', async () => {
  const first = expectStatus(await list('?limit=3'), 200).body
  const late = await node.tenant({ plan: 'pro' })
  clock.advance(40 * DAY_MS)
  assert.equal((await close(late)).length, 1)
  const before = await all('limit=500')
  assert.equal(before.length, 11)
  const rest = await all('limit=3', first.next_cursor)
  assert.deepEqual([...first.data, ...rest], before.slice(1))
})

test('rehearsals are never among the others, and are a list of their own', async () => {
  assert.ok(!(await all('limit=500')).some(({ number }) => number.startsWith('TEST-')))
  const rehearsals = await all('limit=500&test_clock=true')
  assert.deepEqual(
    rehearsals.map(({ invoice_id, tenant_id }) => [invoice_id, tenant_id]),
    [[rehearsal.invoiceId, rehearsal.id]],
  )
})

test('the list is narrowed by status', async () => {
  const [paid, bad] = (await all('status=open')).slice(-2)
  expectStatus(await mark(paid.invoice_id, 'paid'), 200)
  expectStatus(await mark(bad.invoice_id, 'uncollectible'), 200)
  const ids = async (status: string) =>
    (await all(`status=${status}&limit=1`)).map(({ invoice_id }) => invoice_id)
  assert.ok((await ids('paid')).includes(paid.invoice_id))
  assert.deepEqual(await ids('uncollectible'), [bad.invoice_id])
  assert.deepEqual(await ids('void'), [])
  assert.equal((await list('?status=draft')).body.errors[0].field, 'status')
})

test('cursors of no list are refused; one beyond all time is a page', async () => {
  const made = (text: string) => Buffer.from(text).toString('base64url')
  for (const cursor of [
    'x',
    made('1'),
    made('1.2'),
    made('1.2.3.4'),
    made('1.2.x'),
    made('-1.2.3'),
  ]) {
    assert.equal((await list(`?cursor=${cursor}`)).body.errors[0].field, 'cursor', cursor)
  }
  const nines = '9'.repeat(15)
  expectStatus(await list(`?cursor=${made([nines, nines, nines].join('.'))}`), 200)
})

test('revenue adds up: what was issued is credited, paid, outstanding, uncollectible or void', async () => {
  const revenue = async (from: string, to: string) =>
    expectStatus(await node.admin('GET', `/api/admin/revenue?from=${from}&to=${to}`), 200).body
  const february = (await all('limit=500')).filter(({ issued_at }) => issued_at < '2025-02-02')
  const open = february.filter(({ status }) => status === 'open')
  const path = `/api/admin/invoices/${open[0].invoice_id}/credit-notes`
  expectStatus(await node.admin('POST', path, { amount: '0.25', reason: 'r' }), 201)
  expectStatus(await mark(open[1].invoice_id, 'void'), 200)
  const { data, from, to } = await revenue('2025-02-01T00:00:00Z', '2025-02-02T00:00:00Z')
  assert.deepEqual([from, to], ['2025-02-01T00:00:00.000Z', '2025-02-02T00:00:00.000Z'])
  const [usd, ...others] = data
  assert.deepEqual(others, [])
  // 1 + 2 + 3 + 4 + 5 dollars; the rehearsal over 50 is not in it.
  assert.deepEqual([usd.currency, usd.invoices, usd.issued], ['USD', 5, '15.00'])
  assert.equal(usd.credited, '0.25')
  assert.equal(usd.void, open[1].total)
  const parts = ['credited', 'paid', 'outstanding', 'uncollectible', 'void'].map((part) =>
    Math.round(Number(usd[part]) * 100),
  )
  assert.equal(
    parts.reduce((sum, part) => sum + part, 0),
    1_500,
  )
  assert.deepEqual((await revenue('2024-01-01T00:00:00Z', '2025-01-01T00:00:00Z')).data, [])
})

test('a time that is none, or ends before it begins, is refused by name', async () => {
  const ask = async (query: string) => (await node.admin('GET', `/api/admin/revenue?${query}`)).body
  const [day, next] = ['2025-01-01T00:00:00Z', '2025-01-02T00:00:00Z']
  assert.equal((await ask(`from=${next}&to=${day}`)).errors[0].field, 'to')
  assert.equal((await ask(`from=${day}&to=${day}`)).errors[0].field, 'to')
  assert.equal((await ask(`from=yesterday&to=${day}`)).errors[0].field, 'from')
  assert.equal((await ask(`from=${day}`)).errors[0].field, 'to')
})

test('support reads all invoices and revenue; tenants do not', async () => {
  const { accessToken } = await signedIn(node, 'support')
  const owner = await signedIn(node, 'owner', tenants[0]!.id)
  const span = 'from=2025-01-01T00:00:00Z&to=2025-02-01T00:00:00Z'
  for (const path of ['/api/admin/invoices', `/api/admin/revenue?${span}`]) {
    expectStatus(await node.call('GET', path, accessToken), 200)
    assert.equal((await node.call('GET', path, owner.accessToken)).status, 403)
    assert.equal((await node.call('GET', path, tenants[0]!.key)).status, 403)
  }
})

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { InvoiceExplanation } from '@tollgate/contract'
import { expectStatus, testNode } from '../../../test/node.ts'
import { formatMoney, NOTHING, parseExact } from '../../lib/money.ts'
import { insertDiscount, readProfile, writeProfile } from '../profile/store.ts'

const node = await testNode()
const { pool } = node.server
const service = await node.service('document-api')
after(() => node.stop())

type Tenant = { id: string; key: string }

async function calls(tenant: Tenant, count: number, more: object = {}): Promise<string[]> {
  const event = { tenant_id: tenant.id, endpoint: '/convert', method: 'POST', ...more }
  const events = Array.from({ length: count }, () => event)
  const reply = expectStatus(await node.call('POST', '/api/track', service.key, events), 200)
  return reply.body.results.map(({ event_id }: { event_id: string }) => event_id)
}

async function moveTo({ id }: Tenant, now: string): Promise<string[]> {
  const reply = await node.admin('POST', `/api/admin/tenants/${id}/clock`, { now })
  return expectStatus(reply, 200).body.invoices
}

async function explain(tenant: Tenant, id: string): Promise<InvoiceExplanation> {
  const path = `/api/billing/invoices/${id}/explain`
  return expectStatus(await node.call('GET', path, tenant.key), 200).body
}

async function tenantNoOf({ id }: Tenant): Promise<number> {
  const { rows } = await pool.query('SELECT tenant_no FROM tenant WHERE tenant_id = $1', [id])
  return rows[0].tenant_no
}

test('each line says its rule, its plan, which lines of the log it is from, and math that comes to its amount', async () => {
  const tenant = await node.tenant({ plan: 'team', test_clock: '2025-01-01T00:00:00Z' })
  await moveTo(tenant, '2025-01-11T00:00:00Z')
  expectStatus(await node.admin('PATCH', `/api/admin/tenants/${tenant.id}`, { plan: 'pro' }), 200)
  await calls(tenant, 7)
  const [id] = await moveTo(tenant, '2025-02-01T00:00:00Z')
  const { lines, through_seq, ...head } = await explain(tenant, id!)
  assert.match(head.number, /^TEST-INV-\d+$/)
  assert.equal(through_seq, 11)
  assert.deepEqual(
    lines.map(({ rule, plan, plan_version, amount }) => [rule, plan, plan_version, amount]),
    [
      [
        'fee of 10 for a period, in advance, for the part in which the plan held',
        'team',
        1,
        '3.23',
      ],
      ['included: 10,000 units in a whole period at no price', 'team', 1, '0.00'],
      ['per unit: quantity × 0.10', 'pro', 1, '0.70'],
    ],
  )
  assert.deepEqual(lines[2]!.entries, { first_seq: 4, last_seq: 10, count: 7 })
  assert.deepEqual(lines[0]!.period, {
    start: '2025-01-01T00:00:00.000Z',
    end: '2025-01-10T23:59:59.000Z',
  })
  for (const { sum_of_math, amount, late } of lines) {
    assert.equal(formatMoney(parseExact(sum_of_math!), 'USD'), amount)
    assert.equal(late, null)
  }
  assert.deepEqual(head.totals, [
    { what: 'subtotal', rule: 'the sum of all lines: 3.23 + 0.00 + 0.70', amount: '3.93' },
    { what: 'tax', rule: 'no tax is shown', amount: '0.00' },
    { what: 'total', rule: 'subtotal and tax: 3.93 + 0.00', amount: '3.93' },
    { what: 'amount_due', rule: 'the total', amount: '3.93' },
  ])
  assert.deepEqual(head.credit_from, [])
})

test('a correction names the lines that came late, the voids among them, and when what they are about happened', async () => {
  const tenant = await node.tenant({ plan: 'pro', test_clock: '2025-01-01T00:00:00Z' })
  const [first] = await calls(tenant, 10)
  await moveTo(tenant, '2025-02-01T00:00:00Z')
  const late = await calls(tenant, 2, { timestamp: '2025-01-20T00:00:00Z' })
  const path = `/api/events/${first}/void`
  const voided = expectStatus(await node.call('POST', path, service.key, { reason: 'wrong' }), 200)
  await calls(tenant, 1)
  const [second] = await moveTo(tenant, '2025-03-01T00:00:00Z')
  const { lines } = await explain(tenant, second!)
  const [charge, correction] = lines
  assert.equal(charge!.late, null)
  assert.match(
    correction!.rule,
    /^what it costs with the late lines, less what was asked .* × 0.10$/,
  )
  assert.deepEqual([correction!.sum_of_math, correction!.amount], ['0.1', '0.10'])
  assert.equal(correction!.late!.period_start, '2025-01-01T00:00:00Z')
  assert.equal(correction!.late!.more, false)
  const shown = correction!.late!.lines.map(({ kind, event_id, occurred_at }) => [
    kind,
    event_id,
    occurred_at,
  ])
  assert.deepEqual(shown, [
    ['call', late[0], '2025-01-20T00:00:00.000Z'],
    ['call', late[1], '2025-01-20T00:00:00.000Z'],
    ['void', voided.body.event_id, '2025-01-01T00:00:00.000Z'],
  ])
})

test('what the totals are made of is told as well: a minimum, discounts in their order, tax', async () => {
  const tenant = await node.tenant({ plan: 'pro', test_clock: '2025-01-01T00:00:00Z' })
  const tenantNo = await tenantNoOf(tenant)
  const profile = await readProfile(pool, tenantNo)
  await writeProfile(pool, tenantNo, { ...profile, minimumCommitment: '20', taxRate: '19' })
  const discount = { description: 'Welcome', periods_left: 1, created_at: 0 }
  await insertDiscount(pool, tenantNo, {
    ...discount,
    discount_id: 'a',
    kind: 'percentage',
    value: '10',
  })
  await insertDiscount(pool, tenantNo, {
    ...discount,
    discount_id: 'b',
    kind: 'amount',
    value: '5',
  })
  await calls(tenant, 10)
  const [id] = await moveTo(tenant, '2025-02-01T00:00:00Z')
  const { lines, totals } = await explain(tenant, id!)
  assert.deepEqual(
    lines.map(({ kind, rule, amount }) => [kind, rule, amount]),
    [
      ['charge', 'per unit: quantity × 0.10', '1.00'],
      ['minimum_commitment', '20 are agreed at least, the lines above come to 1.00', '19.00'],
      ['discount', '10 % of 20.00, what the lines above come to', '-2.00'],
      ['discount', '5 off, but never more than the 18.00 that the lines above come to', '-5.00'],
    ],
  )
  assert.deepEqual(
    totals.map(({ rule, amount }) => [rule, amount]),
    [
      ['the sum of all lines: 1.00 + 19.00 − 2.00 − 5.00', '13.00'],
      ['19 % of 13.00, rounded half-even', '2.47'],
      ['subtotal and tax: 13.00 + 2.47', '15.47'],
      ['the total', '15.47'],
    ],
  )
  const sum = lines.reduce((before, { amount }) => before.add(parseExact(amount)), NOTHING)
  assert.equal(formatMoney(sum, 'USD'), totals[0]!.amount)
})

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { billedTenants } from '../../../test/billed-tenants.ts'
import { signedIn } from '../../../test/members.ts'
import { expectStatus, type Reply, testNode } from '../../../test/node.ts'
import { DISCOUNTS_PER_TENANT_MAX } from '../../limits.ts'

const node = await testNode()
after(() => node.stop())
const billed = await billedTenants(node)

type Json = Reply['body']
const pathOf = ({ id }: { id: string }) => `/api/admin/tenants/${id}/discounts`
const give = (tenant: { id: string }, body: object) => node.admin('POST', pathOf(tenant), body)
const half = { description: 'Half price', kind: 'percentage', value: '50' }

async function left(tenant: { id: string }): Promise<[string, number | null][]> {
  const { data } = expectStatus(await node.admin('GET', pathOf(tenant)), 200).body
  return data.map(({ description, periods_left }: Json) => [description, periods_left])
}

const discountsOf = ({ lines }: Json) =>
  lines
    .filter(({ kind }: Json) => kind === 'discount')
    .map(({ description, amount }: Json) => [description, amount])

test('a discount is taken by as many invoices as it is for, and then is gone', async () => {
  const tenant = await billed.clocked('team', '2025-01-01T00:00:00Z')
  const given = expectStatus(await give(tenant, { ...half, periods: 2 }), 201).body
  assert.match(given.discount_id, /^dsc_\w{20}$/)
  assert.equal(given.periods_left, 2)
  await billed.move(tenant, '2025-02-01T00:00:00Z')
  assert.deepEqual(await left(tenant), [['Half price', 1]])
  await billed.move(tenant, '2025-04-01T00:00:00Z')
  assert.deepEqual(await left(tenant), [])
  const invoices = await billed.invoices(tenant)
  assert.deepEqual(
    invoices.map(({ total }) => total),
    ['10.00', '5.00', '5.00'],
  )
  assert.deepEqual(discountsOf(invoices[2]), [['Half price', '-5.00']])
})

test('one without an end stays; several go one after the other, oldest first', async () => {
  const tenant = await billed.clocked('team', '2025-01-01T00:00:00Z')
  expectStatus(await give(tenant, { description: 'Two off', kind: 'amount', value: '2' }), 201)
  expectStatus(await give(tenant, half), 201)
  await billed.move(tenant, '2025-02-01T00:00:00Z')
  const [invoice] = await billed.invoices(tenant)
  assert.deepEqual(discountsOf(invoice), [
    ['Two off', '-2.00'],
    ['Half price', '-4.00'],
  ])
  assert.deepEqual(await left(tenant), [
    ['Two off', null],
    ['Half price', null],
  ])
})

test('an amount takes no more than there is, and the rest is not kept for later', async () => {
  const tenant = await billed.clocked('pro', '2025-01-01T00:00:00Z')
  const large = { description: 'Large', kind: 'amount', value: '100.00', periods: 1 }
  expectStatus(await give(tenant, large), 201)
  await billed.calls(tenant, 10)
  await billed.move(tenant, '2025-02-01T00:00:00Z')
  await billed.calls(tenant, 10)
  await billed.move(tenant, '2025-03-01T00:00:00Z')
  assert.deepEqual(
    (await billed.invoices(tenant)).map((invoice) => [invoice.total, discountsOf(invoice)]),
    [
      ['1.00', []],
      ['0.00', [['Large', '-1.00']]],
    ],
  )
})

test('an invoice without charges takes from no discount', async () => {
  const tenant = await billed.clocked('pro', '2025-01-01T00:00:00Z')
  expectStatus(await give(tenant, { ...half, periods: 1 }), 201)
  await billed.move(tenant, '2025-02-01T00:00:00Z')
  assert.deepEqual(await left(tenant), [['Half price', 1]])
})

test('a discount that was ended takes nothing any more; what was issued keeps it', async () => {
  const tenant = await billed.clocked('team', '2025-01-01T00:00:00Z')
  const { discount_id } = expectStatus(await give(tenant, half), 201).body
  await billed.move(tenant, '2025-02-01T00:00:00Z')
  expectStatus(await node.admin('DELETE', `${pathOf(tenant)}/${discount_id}`), 204)
  assert.equal((await node.admin('DELETE', `${pathOf(tenant)}/${discount_id}`)).status, 404)
  await billed.move(tenant, '2025-03-01T00:00:00Z')
  assert.deepEqual(
    (await billed.invoices(tenant)).map(({ total }) => total),
    ['10.00', '5.00'],
  )
})

test("another tenant's discount is answered as one that does not exist, and stays", async () => {
  const [one, other] = [await node.tenant(), await node.tenant()]
  const { discount_id } = expectStatus(await give(one, half), 201).body
  assert.equal((await node.admin('DELETE', `${pathOf(other)}/${discount_id}`)).status, 404)
  assert.equal((await left(one)).length, 1)
})

test('a tenant has a bounded number of discounts, also when many are given at once', async () => {
  const tenant = await node.tenant()
  const wanted = Array.from({ length: DISCOUNTS_PER_TENANT_MAX + 5 }, () => give(tenant, half))
  const statuses = (await Promise.all(wanted)).map(({ status }) => status)
  assert.equal(statuses.filter((status) => status === 201).length, DISCOUNTS_PER_TENANT_MAX)
  const refused = await give(tenant, half)
  assert.equal(refused.body.code, 'too_many_discounts')
})

test('values that nothing can be off by are refused by name', async () => {
  const tenant = await node.tenant()
  const bad: [object, string][] = [
    [{ ...half, value: '100.5' }, 'value'],
    [{ ...half, value: '0' }, 'value'],
    [{ ...half, value: '-5' }, 'value'],
    [{ ...half, value: '5%' }, 'value'],
    [{ ...half, kind: 'amount', value: '0.00' }, 'value'],
    [{ ...half, kind: 'amount', value: '1.005' }, 'value'],
    [{ ...half, kind: 'amount', value: '1'.repeat(13) }, 'value'],
    [{ ...half, kind: 'gift' }, 'kind'],
    [{ ...half, periods: 0 }, 'periods'],
    [{ ...half, periods: 1.5 }, 'periods'],
    [{ ...half, description: '' }, 'description'],
  ]
  for (const [body, field] of bad) {
    const refused = await give(tenant, body)
    assert.equal(refused.status, 400, JSON.stringify(body))
    assert.equal(refused.body.errors[0].field, field)
  }
  assert.deepEqual(await left(tenant), [])
})

test('support reads discounts and gives none; tenants do neither', async () => {
  const tenant = await node.tenant()
  const { accessToken } = await signedIn(node, 'support')
  expectStatus(await node.call('GET', pathOf(tenant), accessToken), 200)
  assert.equal((await node.call('POST', pathOf(tenant), accessToken, half)).status, 403)
  const owner = await signedIn(node, 'owner', tenant.id)
  assert.equal((await node.call('GET', pathOf(tenant), owner.accessToken)).status, 403)
})

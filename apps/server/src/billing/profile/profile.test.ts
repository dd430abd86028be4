import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { billedTenants } from '../../../test/billed-tenants.ts'
import { signedIn } from '../../../test/members.ts'
import { expectStatus, testNode } from '../../../test/node.ts'

const folder = await mkdtemp(join(tmpdir(), 'tollgate-profile-'))
const catalogFile = join(folder, 'catalog.yaml')
await writeFile(
  catalogFile,
  `catalog: 1
plans:
  pro:
    description: In dollars
    price: { currency: USD, per_unit: "0.10" }
  world:
    description: In dollars, euros and yen
    price: { currency: USD, per_unit: "0.10" }
    prices:
      - { currency: EUR, per_unit: "0.09" }
      - { currency: JPY, per_unit: "15" }
`,
)
const node = await testNode({ catalogFile })
after(async () => {
  await node.stop()
  await rm(folder, { recursive: true, force: true })
})
const billed = await billedTenants(node)

const put = (tenant: { id: string }, body: object) =>
  node.admin('PUT', `/api/admin/tenants/${tenant.id}/billing`, body)

test("a tenant's owner and finance say who is billed; others read it, and support changes nothing", async () => {
  const tenant = await node.tenant()
  const path = '/api/billing/profile'
  const wanted = {
    legal_name: 'Globex GmbH',
    address: ['Hauptstr. 1', '50667 Köln'],
    email: 'bills@globex.example',
    tax_id: 'DE123',
  }
  for (const role of ['owner', 'finance'] as const) {
    const { accessToken } = await signedIn(node, role, tenant.id)
    const reply = expectStatus(await node.call('PUT', path, accessToken, wanted), 200)
    assert.deepEqual(reply.body, {
      tenant_id: tenant.id,
      ...wanted,
      tax_rate: null,
      currency: 'USD',
      minimum_commitment: null,
      late_usage: 'next_invoice',
    })
  }
  for (const role of ['developer', 'viewer'] as const) {
    const { accessToken } = await signedIn(node, role, tenant.id)
    assert.equal((await node.call('PUT', path, accessToken, wanted)).status, 403)
  }
  const support = await signedIn(node, 'support')
  const terms = `/api/admin/tenants/${tenant.id}/billing`
  assert.equal((await node.call('PUT', terms, support.accessToken, {})).status, 403)
  const read = await node.call('GET', `${path}?tenant_id=${tenant.id}`, support.accessToken)
  assert.equal(expectStatus(read, 200).body.legal_name, 'Globex GmbH')
  assert.equal((await node.call('PUT', path, tenant.key, wanted)).status, 403)
})

test('a tenant cannot say what it pays: not its tax, currency, minimum or corrections', async () => {
  const tenant = await node.tenant()
  const { accessToken } = await signedIn(node, 'owner', tenant.id)
  for (const [field, value] of Object.entries({
    tax_rate: '0',
    currency: 'JPY',
    minimum_commitment: '1',
    late_usage: 'credit_note',
  })) {
    const refused = await node.call('PUT', '/api/billing/profile', accessToken, { [field]: value })
    assert.equal(refused.status, 400)
    assert.equal(refused.body.errors[0].field, field)
  }
})

test('what is left out stays as it is, and null takes it back', async () => {
  const tenant = await node.tenant()
  expectStatus(await put(tenant, { tax_rate: '19', legal_name: 'A', minimum_commitment: '5' }), 200)
  const { body } = expectStatus(await put(tenant, { legal_name: null, address: ['x'] }), 200)
  assert.deepEqual(
    [body.legal_name, body.address, body.tax_rate, body.minimum_commitment],
    [null, ['x'], '19', '5'],
  )
})

test('values that no bill can have are refused by name', async () => {
  const tenant = await node.tenant()
  const bad: Record<string, unknown[]> = {
    tax_rate: ['', '-1', '100.0001', '101', '1000', '19%', '1e1', '7.12345', '+7', '.5', 19],
    minimum_commitment: ['', '0', '-1', '1e3', '1.001', '1'.repeat(13), 'NaN', 5],
    currency: ['', 'usd', 'EURO', 'XXQ', 'EUR', 1],
    legal_name: ['', 'x'.repeat(201), 1],
    address: [['x'.repeat(201)], [''], Array(9).fill('x'), 'Hauptstr.', null],
    email: ['', 'x', 'a@b', 'a@example.com, b@example.com'],
    tax_id: ['', 'x'.repeat(51), 1],
    late_usage: ['', 'never', null],
  }
  for (const [field, values] of Object.entries(bad)) {
    for (const value of values) {
      const refused = await put(tenant, { [field]: value })
      assert.equal(refused.status, 400, `${field}: ${JSON.stringify(value)}`)
      assert.ok(refused.body.errors[0].field.startsWith(field), JSON.stringify(refused.body))
    }
  }
})

test('the next invoice has what was said; what was issued keeps what it had', async () => {
  const tenant = await billed.invoiced(10)
  const before = await billed.invoice(tenant.invoiceId)
  const terms = { legal_name: 'Globex GmbH', tax_rate: '19', minimum_commitment: '5.00' }
  expectStatus(await put(tenant, { ...terms, tax_id: 'DE123', address: ['Köln'] }), 200)
  await billed.calls(tenant, 10)
  const [february] = await billed.move(tenant, '2025-03-01T00:00:00Z')
  assert.deepEqual(await billed.invoice(tenant.invoiceId), before)
  const after = await billed.invoice(february!)
  const { name, address, tax_id } = after.customer
  assert.deepEqual([name, address, tax_id], ['Globex GmbH', ['Köln'], 'DE123'])
  assert.deepEqual([after.subtotal, after.tax, after.total], ['5.00', '0.95', '5.95'])
  assert.deepEqual([before.customer.tax_id, before.tax_rate, before.total], [null, null, '1.00'])
})

test('a currency is one that the plan has a price in, and bills are in it', async () => {
  const tenant = await billed.clocked('world', '2025-01-01T00:00:00Z')
  await billed.calls(tenant, 10)
  const refused = await put(tenant, { currency: 'CHF' })
  assert.match(refused.body.errors[0].message, /world has no price in it; .* USD, EUR, JPY/)
  assert.equal(expectStatus(await put(tenant, { currency: 'EUR' }), 200).body.currency, 'EUR')
  const [invoiceId] = await billed.move(tenant, '2025-02-01T00:00:00Z')
  const { currency, total } = await billed.invoice(invoiceId!)
  assert.deepEqual([currency, total], ['EUR', '0.90'])
})

test('the currency stays once there is an invoice in it, and while something else is in it', async () => {
  const invoiced = await billed.clocked('world', '2025-01-01T00:00:00Z')
  await billed.calls(invoiced, 1)
  await billed.move(invoiced, '2025-02-01T00:00:00Z')
  const refused = await put(invoiced, { currency: 'EUR' })
  assert.match(refused.body.errors[0].message, /there are invoices in USD/)
  expectStatus(await put(invoiced, { currency: 'USD' }), 200)

  const committed = await node.tenant({ plan: 'world' })
  expectStatus(await put(committed, { minimum_commitment: '5.50' }), 200)
  assert.match(
    (await put(committed, { currency: 'JPY' })).body.errors[0].message,
    /minimum commitment is in USD/,
  )
  const both = await put(committed, { currency: 'JPY', minimum_commitment: '5.50' })
  assert.deepEqual(both.body.errors[0].field, 'minimum_commitment')
  expectStatus(await put(committed, { currency: 'JPY', minimum_commitment: '800' }), 200)

  const discounted = await node.tenant({ plan: 'world' })
  const discount = { description: 'd', kind: 'amount', value: '1.50' }
  const path = `/api/admin/tenants/${discounted.id}/discounts`
  const { discount_id } = expectStatus(await node.admin('POST', path, discount), 201).body
  assert.match(
    (await put(discounted, { currency: 'EUR' })).body.errors[0].message,
    /discounts of an amount in USD/,
  )
  expectStatus(await node.admin('DELETE', `${path}/${discount_id}`), 204)
  expectStatus(await put(discounted, { currency: 'EUR' }), 200)
})

test('every plan of the running period must have a price in a currency, not only the last one', async () => {
  const tenant = await billed.clocked('pro', '2025-01-01T00:00:00Z')
  await billed.move(tenant, '2025-01-10T00:00:00Z')
  expectStatus(await node.admin('PATCH', `/api/admin/tenants/${tenant.id}`, { plan: 'world' }), 200)
  const refused = await put(tenant, { currency: 'EUR' })
  assert.match(refused.body.errors[0].message, /the plan pro has no price in it/)
})

test('changes of how a tenant is billed stand in its audit log, before and after', async () => {
  const tenant = await node.tenant()
  expectStatus(await put(tenant, { tax_rate: '7' }), 200)
  expectStatus(await put(tenant, { tax_rate: '19' }), 200)
  const query = `tenant_id=${tenant.id}&action=billing.profile_changed`
  const { data } = expectStatus(await node.admin('GET', `/api/admin/audit?${query}`), 200).body
  assert.deepEqual(
    data.map(({ before, after: later }: { before: object; after: object }) => [before, later]),
    [
      [{ tax_rate: '7' }, { tax_rate: '19' }],
      [{ tax_rate: null }, { tax_rate: '7' }],
    ],
  )
})

test('while an invoice is issued nobody changes the currency under it', async () => {
  for (let round = 0; round < 5; round += 1) {
    const tenant = await billed.clocked('world', '2025-01-01T00:00:00Z')
    await billed.calls(tenant, 2)
    const [changed, [invoiceId]] = await Promise.all([
      put(tenant, { currency: 'EUR' }),
      billed.move(tenant, '2025-02-01T00:00:00Z'),
    ])
    const { currency } = await billed.invoice(invoiceId!)
    assert.equal(currency, changed.status === 200 ? 'EUR' : 'USD')
  }
})

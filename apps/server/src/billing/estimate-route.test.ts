import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { watched } from '../../test/api-contract.ts'
import { assertProblem } from '../../test/api-problem.ts'
import { expectStatus, testNode } from '../../test/node.ts'

const CATALOG = `
catalog: 1
meters:
  pages: { aggregation: sum, field: quantity, group_by: [region] }
plans:
  pro: { price: { per_unit: "0.10" }, prices: [{ currency: JPY, per_unit: "15" }] }
  pages:
    price:
      charges:
        - name: Pages
          model: per_unit
          meter: pages
          unit_price: "0.01"
          factors: { region: { eu: 2 } }
  agreed: { self_service: false, price: { base: "1" } }
`

const folder = mkdtempSync(join(tmpdir(), 'tollgate-estimate-'))
const catalogFile = join(folder, 'catalog.yaml')
writeFileSync(catalogFile, CATALOG)
const node = watched(await testNode({ catalogFile }))
after(async () => {
  await node.stop()
  rmSync(folder, { recursive: true })
})
const PATH = '/api/billing/estimate'
const { key } = await node.tenant({ plan: 'pro' })
const totals = (plans: { plan: string; total: string }[]) =>
  plans.map(({ plan, total }) => [plan, total])

test('a tenant sees what each plan would cost, also by region', async () => {
  const quantities = { units: 250, pages: [{ region: 'eu', quantity: 100 }, { quantity: 50 }] }
  const { body } = expectStatus(await node.call('POST', PATH, key, { quantities }), 200)
  assert.equal(body.currency, 'USD')
  assert.deepEqual(totals(body.plans), [
    ['pages', '2.50'],
    ['pro', '25.00'],
  ])
  assert.deepEqual(body.not_in_currency, [])
})

test('plans that are by agreement are shown to operators, and to who has them', async () => {
  const names = async (by: string) =>
    totals(expectStatus(await node.call('POST', PATH, by, { quantities: {} }), 200).body.plans)
  assert.deepEqual(await names(node.operatorKey), [
    ['pages', '0.00'],
    ['pro', '0.00'],
    ['agreed', '1.00'],
  ])
  const { key: theirs } = await node.tenant({ plan: 'agreed' })
  assert.equal((await names(theirs)).length, 3)
  assert.equal((await names(key)).length, 2)
})

test('another currency, with the plans that have no price in it', async () => {
  const asked = { quantities: { units: 2, pages: 0.000001 }, currency: 'JPY' }
  const { body } = expectStatus(await node.call('POST', PATH, key, asked), 200)
  assert.deepEqual(totals(body.plans), [['pro', '30']])
  assert.deepEqual(body.not_in_currency, ['pages'])
})

test('what is wrong is named', async () => {
  const wrong: [body: unknown, field: string][] = [
    [{ quantities: { unit: 1, units: 1 } }, 'quantities.unit'],
    [{ quantities: { units: -1 } }, 'quantities.units'],
    [{ quantities: { units: 0.0000001 } }, 'quantities.units'],
    [{ quantities: { pages: [] } }, 'quantities.pages'],
    [{ quantities: { pages: [{ feature: 'x' }] } }, 'quantities.pages'],
    [{ quantities: {}, currency: 'CHF' }, 'currency'],
    [{ quantities: {}, currency: 'usd' }, 'currency'],
    [{ quantities: {}, plan: 'pro' }, 'plan'],
    [{}, 'quantities'],
  ]
  for (const [body, field] of wrong) {
    assertProblem(await node.call('POST', PATH, key, body), 'invalid_request', field)
  }
})

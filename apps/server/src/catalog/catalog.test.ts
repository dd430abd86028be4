import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { testDatabase } from '../../test/database.ts'
import { createPool } from '../db/pool.ts'
import { openCatalog } from './catalog.ts'
import { loadCatalog } from './load-catalog.ts'
import { priceCall } from './price-call.ts'
import { type CatalogDefinition, catalogSchema, type planSchema } from './schema.ts'
import { readLatestPlanVersions, readLatestRules, readPlanVersion } from './store.ts'
import type { CallToPrice } from './types.ts'

const database = await testDatabase()
// Connections that the end of the test breaks are no failure; a statement that fails still is.
const pool = createPool(database.url, () => {})
after(async () => {
  await pool.end()
  await database.drop()
})
beforeEach(async () => {
  await pool.query('TRUNCATE plan_version, catalog_rules, service RESTART IDENTITY CASCADE')
})

type PlanInput = (typeof planSchema)['_zod']['input']

function catalogOf(plans: Record<string, PlanInput>, credits = 2): CatalogDefinition {
  const services = { docs: { endpoints: [{ path: '/convert', credits }] } }
  return catalogSchema.parse({ catalog: 1, plans, services })
}

function callTo(service: string, endpoint: string): CallToPrice {
  return {
    service,
    endpoint,
    method: null,
    region: null,
    feature: null,
    quantity: 1_000_000n,
    reportedCredits: 7_000_000n,
    reportedPremium: null,
  }
}

async function versions(): Promise<string[]> {
  const { rows } = await pool.query<{ text: string }>(
    `SELECT plan || ' ' || version AS text FROM plan_version ORDER BY plan, version`,
  )
  return rows.map(({ text }) => text)
}

test('the first load stores every plan and the rules', async () => {
  const changes = await loadCatalog(pool, catalogOf({ free: {}, pro: {} }))
  assert.deepEqual(changes, {
    plans: [
      { plan: 'free', version: 1 },
      { plan: 'pro', version: 1 },
    ],
    rules: true,
  })
  assert.deepEqual(await versions(), ['free 1', 'pro 1'])
  assert.equal((await readLatestRules(pool))?.version, 1)
})

test('the same catalog again changes nothing', async () => {
  const catalog = catalogOf({ free: { quota: { limit: 100, overage: 'deny' } } })
  await loadCatalog(pool, catalog)
  assert.deepEqual(await loadCatalog(pool, catalog), { plans: [], rules: false })
})

test('a key that is left out and one that is written with its default are the same terms', async () => {
  await loadCatalog(pool, catalogOf({ free: {} }))
  const written = catalogOf({ free: { counts: 'success', price: { base: '0' }, rate_limits: [] } })
  assert.deepEqual(await loadCatalog(pool, written), { plans: [], rules: false })
})

test('a plan whose terms differ gets a new version, and the old one stays as it was', async () => {
  await loadCatalog(pool, catalogOf({ free: { premium: false }, pro: {} }))
  const before = await readPlanVersion(pool, 1)
  const changes = await loadCatalog(pool, catalogOf({ free: { premium: true }, pro: {} }))
  assert.deepEqual(changes, { plans: [{ plan: 'free', version: 2 }], rules: false })
  assert.deepEqual(await readPlanVersion(pool, 1), before)
  const newest = (await readLatestPlanVersions(pool)).map(({ plan, version }) => [plan, version])
  assert.deepEqual(newest, [
    ['free', 2],
    ['pro', 1],
  ])
})

test('a catalog that goes back to earlier terms makes a third version', async () => {
  for (const premium of [true, false, true])
    await loadCatalog(pool, catalogOf({ free: { premium } }))
  assert.deepEqual(await versions(), ['free 1', 'free 2', 'free 3'])
})

test('several nodes that load a catalog at once make one version of it', async () => {
  const catalog = catalogOf({ free: {}, pro: { price: { per_unit: '0.10' } } })
  const all = await Promise.all(Array.from({ length: 6 }, () => loadCatalog(pool, catalog)))
  assert.equal(all.filter(({ rules }) => rules).length, 1)
  assert.deepEqual(await versions(), ['free 1', 'pro 1'])
})

test('a load that fails leaves nothing', async () => {
  const broken = catalogOf({ free: {} })
  // A bigint has no JSON, so the rules, which are written last, cannot be stored.
  Object.assign(broken.services, { bad: 1n })
  await assert.rejects(loadCatalog(pool, broken))
  assert.deepEqual(await versions(), [])
})

test('what is on offer is the newest version of the plans in the file', async () => {
  await loadCatalog(pool, catalogOf({ free: {}, pro: {} }))
  await loadCatalog(pool, catalogOf({ free: {}, pro: { price: { per_unit: '0.20' } } }))
  const catalog = await openCatalog(pool)
  assert.deepEqual(catalog.planNames(), ['free', 'pro'])
  assert.equal(catalog.latestPlan('pro')?.version, 2)
  assert.partialDeepStrictEqual(catalog.latestPlan('pro')?.price.charges[0], {
    unitPrice: '0.20',
  })
  assert.equal(catalog.latestPlan('gold'), null)
})

test('a plan that left the file is not on offer, but those who are on it keep it', async () => {
  await loadCatalog(pool, catalogOf({ free: {}, pro: {} }))
  const catalog = await openCatalog(pool)
  const pro = catalog.latestPlan('pro')!
  await loadCatalog(pool, catalogOf({ free: {} }))
  await catalog.refresh()
  assert.deepEqual(catalog.planNames(), ['free'])
  assert.equal(catalog.latestPlan('pro'), null)
  assert.equal(catalog.planVersion(pro.planVersionNo), pro)
  const elsewhere = await openCatalog(pool)
  assert.deepEqual(await elsewhere.loadPlanVersion(pro.planVersionNo), pro)
})

test('a plan that comes back into the file is on offer again, in the version it had', async () => {
  await loadCatalog(pool, catalogOf({ free: {}, pro: {} }))
  await loadCatalog(pool, catalogOf({ free: {} }))
  await loadCatalog(pool, catalogOf({ free: {}, pro: {} }))
  const catalog = await openCatalog(pool)
  assert.equal(catalog.latestPlan('pro')?.version, 1)
})

test('a node learns what another one loaded', async () => {
  await loadCatalog(pool, catalogOf({ free: {} }))
  const catalog = await openCatalog(pool)
  const first = catalog.latestPlan('free')!
  await loadCatalog(pool, catalogOf({ free: { counts: 'all' } }, 9))
  assert.equal(priceCall(catalog.rules, callTo('docs', '/convert')).credits, 2_000_000n)

  // A tenant may be put on the new version before this node has heard of it.
  assert.equal(catalog.planVersion(2), null)
  assert.equal((await catalog.loadPlanVersion(2)).counts, 'all')
  assert.equal(catalog.planVersion(2)?.counts, 'all')

  await catalog.refresh()
  assert.equal(catalog.latestPlan('free')?.version, 2)
  assert.equal(catalog.planVersion(first.planVersionNo), first)
  assert.equal(priceCall(catalog.rules, callTo('docs', '/convert')).credits, 9_000_000n)
})

test('a service that was registered as not trusted is not believed after the next refresh', async () => {
  await loadCatalog(pool, catalogOf({ free: {} }))
  const catalog = await openCatalog(pool)
  assert.equal(priceCall(catalog.rules, callTo('notes', '/')).credits, 7_000_000n)
  await pool.query(`INSERT INTO service (name, trust_reported) VALUES ('notes', false)`)
  await catalog.refresh()
  assert.equal(priceCall(catalog.rules, callTo('notes', '/')).credits, 1_000_000n)
  assert.equal(priceCall(catalog.rules, callTo('docs', '/convert')).credits, 2_000_000n)
})

test('a refresh that finds nothing new leaves the rules as they are', async () => {
  await loadCatalog(pool, catalogOf({ free: {} }))
  const catalog = await openCatalog(pool)
  const { rules } = catalog
  await catalog.refresh()
  assert.equal(catalog.rules, rules)
})

test('a refresh includes what was committed before it was asked for, also while another is under way', async () => {
  await loadCatalog(pool, catalogOf({ free: {} }))
  const catalog = await openCatalog(pool)
  const underWay = catalog.refresh()
  await pool.query(`INSERT INTO service (name, trust_reported) VALUES ('late', false)`)
  await catalog.refresh()
  assert.equal(catalog.rules.services.get('late')?.trustReported, false)
  await underWay
})

test('before any catalog was loaded nothing is on offer and calls are priced as they say', async () => {
  const catalog = await openCatalog(pool)
  assert.deepEqual(catalog.planNames(), [])
  assert.equal(priceCall(catalog.rules, callTo('docs', '/convert')).credits, 7_000_000n)
  await assert.rejects(catalog.loadPlanVersion(1), /no plan version 1/)
})

test('terms that a newer Tollgate stored are refused, not half understood', async () => {
  await loadCatalog(pool, catalogOf({ free: {} }))
  await pool.query(
    `INSERT INTO plan_version (plan, version, terms) VALUES ('free', 2, '{"tax": 1}')`,
  )
  await assert.rejects(openCatalog(pool), /Version 2 of plan free cannot be read .* newer one/)
})

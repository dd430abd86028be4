import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { catalogFile } from '../../test/api-catalog.ts'
import { watched } from '../../test/api-contract.ts'
import { assertProblem } from '../../test/api-problem.ts'
import { testDatabase } from '../../test/database.ts'
import { expectStatus, nodeOn } from '../../test/node.ts'
import { CURRENCIES_PER_PLAN_MAX, PLANS_ON_OFFER_MAX } from '../limits.ts'

const catalog = await catalogFile(`
catalog: 1
plans:
  free: { quota: { limit: 100, overage: deny } }
  team:
    price: { base: "10", included: 10000 }
    prices: [{ currency: EUR, base: "9.50" }]
    trial_days: 14
    allowance: { credits: 50, rollover_max: 10 }
  enterprise: { self_service: false, endpoints: { deny: ["secret-api"] } }
`)
const database = await testDatabase()
const options = { catalogFile: catalog.path }
const node = watched(await nodeOn(database, options))
after(async () => {
  await node.stop()
  await database.drop()
  await catalog.remove()
})

type Change = { plan: string; change: string; version: number }
const post = (plans: object, more: object = {}, query = '') =>
  node.admin('POST', `/api/admin/plans${query}`, { plans, ...more })
const seen = async () => expectStatus(await node.call('GET', '/api/plans', null), 200).body.data
const seenPlan = async (name: string) =>
  (await seen()).find(({ plan }: { plan: string }) => plan === name)
const changes = (plans: Change[]) =>
  plans.map(({ plan, change, version }) => `${plan} ${change} ${version}`)

async function stored(): Promise<object> {
  const { rows } = await node.server.pool.query(`SELECT
    (SELECT count(*) FROM plan_version) AS versions, (SELECT count(*) FROM catalog_rules) AS rules,
    (SELECT count(*) FROM audit) AS told`)
  return rows[0]
}

test('everybody sees the plans that people may take by themselves, and what they cost', async () => {
  const data = await seen()
  assert.deepEqual(
    data.map(({ plan }: Change) => plan),
    ['free', 'team'],
  )
  const [, team] = data
  assert.partialDeepStrictEqual(team, {
    version: 1,
    trial_days: 14,
    allowance: { credits: 50, rollover_max: 10 },
    price: { currency: 'USD', base: '10', per_unit: '0', included: 10_000, charges: [] },
  })
  assert.deepEqual(team.prices, [
    { currency: 'EUR', base: '9.50', per_unit: '0', included: 0, charges: [] },
  ])
})

test('nobody is told there which services there are, nor what meters look at', async () => {
  const text = JSON.stringify(await seen())
  assert.doesNotMatch(text, /secret-api|"endpoints"|"meters"|enterprise/)
})

test('a plan that is posted is on offer at once, and others stay', async () => {
  const meters = { pages: { aggregation: 'sum', field: 'properties.pages' } }
  const charge = { name: 'Pages', model: 'per_unit', meter: 'pages', unit_price: '0.02' }
  const { body } = expectStatus(
    await post({ gold: { price: { charges: [charge] } } }, { meters }),
    200,
  )
  assert.deepEqual(changes(body.plans), ['gold new 1'])
  assert.deepEqual(
    (await seen()).map(({ plan }: Change) => plan),
    ['free', 'gold', 'team'],
  )
  assert.equal((await seenPlan('gold')).price.charges[0].unit_price, '0.02')
  await node.tenant({ plan: 'gold' })
})

test('other terms make a version; tenants stay on theirs, and the answer says how many', async () => {
  const { id } = await node.tenant({ plan: 'team' })
  const terms = { trial_days: 14, allowance: { credits: 50, rollover_max: 10 } }
  const { body } = expectStatus(await post({ team: { ...terms, price: { base: '12' } } }), 200)
  const [team] = body.plans
  assert.partialDeepStrictEqual(team, { plan: 'team', change: 'changed', version: 2 })
  assert.deepEqual(team.fields, [
    { field: 'price.base', before: '10', after: '12' },
    { field: 'price.included', before: 10_000, after: 0 },
    {
      field: 'prices["EUR"]',
      before: { currency: 'EUR', base: '9.50', per_unit: '0', included: 0, charges: [] },
    },
  ])
  assert.deepEqual(team.tenants, [{ version: 1, tenants: 1 }])
  const tenant = await node.admin('GET', `/api/admin/tenants/${id}`)
  assert.equal(tenant.body.plan_version, 1)
  assert.equal((await seenPlan('team')).version, 2)
})

test('the same again changes nothing and is not told', async () => {
  const plans = { silver: { description: 'once' } }
  expectStatus(await post(plans), 200)
  const before = await stored()
  const { body } = expectStatus(await post(plans), 200)
  assert.deepEqual(changes(body.plans), ['silver unchanged 1'])
  assert.deepEqual(await stored(), before)
})

test('a dry run answers the same and changes nothing', async () => {
  const plans = { silver: { description: 'twice' }, bronze: { premium: false } }
  const before = await stored()
  const looked = expectStatus(await post(plans, {}, '?dry_run=true'), 200).body
  assert.deepEqual(await stored(), before)
  const done = expectStatus(await post(plans), 200).body
  assert.deepEqual([looked.dry_run, done.dry_run], [true, false])
  assert.deepEqual(looked.plans, done.plans)
  assert.deepEqual(changes(done.plans), ['silver changed 2', 'bronze new 1'])
  assert.deepEqual(done.plans[1].fields, [{ field: 'premium', after: false }])
})

test('the same plan posted many times at once is one version', async () => {
  const replies = await Promise.all(Array.from({ length: 8 }, () => post({ racing: {} })))
  const made = replies.map((reply) => expectStatus(reply, 200).body.plans[0].change).sort()
  assert.deepEqual(made, ['new', ...Array(7).fill('unchanged')])
})

test('different terms posted at once are versions one after the other', async () => {
  const replies = await Promise.all(
    Array.from({ length: 6 }, (_, turn) => post({ contested: { description: `${turn}` } })),
  )
  const versions = replies.map((reply) => expectStatus(reply, 200).body.plans[0].version)
  assert.deepEqual(versions.sort(), [1, 2, 3, 4, 5, 6])
})

test('another node offers it too, after its refresh and after its start', async () => {
  const other = await nodeOn(database, options)
  try {
    expectStatus(await post({ platinum: {} }), 200)
    await other.server.catalog.refresh()
    assert.equal(other.server.catalog.latestPlan('platinum')?.version, 1)
  } finally {
    await other.stop()
  }
  const later = await nodeOn(database, options)
  try {
    assert.equal(later.server.catalog.latestPlan('platinum')?.version, 1)
  } finally {
    await later.stop()
  }
})

test('what is wrong is named by its field, and nothing of the rest is taken', async () => {
  const before = await stored()
  const charge = { name: 'Pages', model: 'per_unit', meter: 'nothing', unit_price: '1' }
  const euro = { currency: 'EUR' }
  const cases: [plans: object, field: string][] = [
    [{ fine: {}, team: { price: { charges: [charge] } } }, 'plans.team.price.charges[0].meter'],
    [
      { team: { price: { charges: [{ ...charge, model: 'x' }] } } },
      'plans.team.price.charges[0].model',
    ],
    [{ team: { prices: [euro, euro] } }, 'plans.team.prices[1].currency'],
    [{ team: { prices: [{ currency: 'USD' }] } }, 'plans.team.prices[0].currency'],
    [{ team: { prices: Array(CURRENCIES_PER_PLAN_MAX + 1).fill(euro) } }, 'plans.team.prices'],
    [{ team: { price: { base: 10 } } }, 'plans.team.price.base'],
    [{ team: { price: { base: '-1' } } }, 'plans.team.price.base'],
    [{ team: { trial_days: 10_000 } }, 'plans.team.trial_days'],
    [{ team: { allowance: { credits: 0 } } }, 'plans.team.allowance.credits'],
    [{ team: { quota: { limit: 1e-7, overage: 'deny' } } }, 'plans.team.quota.limit'],
    [{ team: { colour: 'red' } }, 'plans.team.colour'],
    [{ 'Not a name': {} }, 'plans.Not a name'],
    [{}, 'plans'],
  ]
  for (const [plans, field] of cases) assertProblem(await post(plans), 'invalid_request', field)
  assertProblem(
    await post({ a: {} }, { meters: { units: { aggregation: 'count' } } }),
    'invalid_request',
    'meters.units',
  )
  assertProblem(await post({ a: {} }, { services: {} }), 'invalid_request', 'services')
  assertProblem(await post({ a: {} }, {}, '?dry_run=maybe'), 'invalid_request', 'dry_run')
  assert.deepEqual(await stored(), before)
})

test('bodies that are too large, too many plans, and names that objects have anyway', async () => {
  const before = await stored()
  const words = 'x'.repeat(70_000)
  assertProblem(await post({ large: { description: words } }), 'body_too_large')
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`many-${n}`, {}]))
  assertProblem(await post(many(PLANS_ON_OFFER_MAX)), 'invalid_request', 'plans')
  assertProblem(await post(many(PLANS_ON_OFFER_MAX + 1)), 'invalid_request', 'plans')
  assert.deepEqual(await stored(), before)
  const { body } = expectStatus(await post({ constructor: {}, tostring: {} }), 200)
  assert.deepEqual(changes(body.plans), ['constructor new 1', 'tostring new 1'])
})

test('who sends a thousand meters and charges none of them gets a short answer', async () => {
  const named = (count: number, prefix: string) =>
    Array.from({ length: count }, (_, n) => `${prefix}${n}`)
  const meters = Object.fromEntries(named(900, 'm').map((name) => [name, { aggregation: 'count' }]))
  const charges = named(100, 'c').map((name) => {
    return { name, model: 'per_unit', meter: 'x'.repeat(150), unit_price: '1' }
  })
  const reply = await post({ wide: { price: { charges } } }, { meters })
  assertProblem(reply, 'invalid_request', 'plans.wide.price.charges[0].meter')
  assert.ok(JSON.stringify(reply.body).length < 30_000)
})

test('operators see every version, with who is on it; pages follow each other', async () => {
  const all = expectStatus(await node.admin('GET', '/api/admin/plans?limit=500'), 200).body.data
  const team = all.filter(({ plan }: Change) => plan === 'team')
  assert.deepEqual(
    team.map(({ version, on_offer, tenants }: Record<string, unknown>) => [
      version,
      on_offer,
      tenants,
    ]),
    [
      [2, true, 0],
      [1, false, 1],
    ],
  )
  const enterprise = all.find(({ plan }: Change) => plan === 'enterprise')
  assert.deepEqual(enterprise.endpoints.deny, ['secret-api'])
  const paged = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const path: string = `/api/admin/plans?limit=7${cursor === '' ? '' : `&cursor=${cursor}`}`
    const { body } = expectStatus(await node.admin('GET', path), 200)
    paged.push(...body.data)
    cursor = body.next_cursor
  }
  assert.deepEqual(paged, all)
})

test('the audit log tells who changed plans, from which versions to which', async () => {
  expectStatus(await post({ told: {}, silver: { description: 'thrice' } }), 200)
  const path = '/api/admin/audit?action=plans.changed&limit=1'
  const [line] = expectStatus(await node.admin('GET', path), 200).body.data
  assert.equal(line.actor.kind, 'operator_key')
  assert.deepEqual(line.object, { kind: 'catalog', id: null })
  assert.deepEqual(line.before, { plans: { told: null, silver: 2 } })
  assert.deepEqual(line.after, { plans: { told: 1, silver: 3 } })
})

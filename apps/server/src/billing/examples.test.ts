import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { billOfCounted } from '../../test/running-bill.ts'
import { DENIAL_STATUS } from '@tollgate/contract'
import { given, NOW, OPENED_AT, PLAIN_CALL, UNIT } from '../../test/ledger-accounts.ts'
import { compileRules, compileTerms } from '../catalog/compile.ts'
import { priceCall } from '../catalog/price-call.ts'
import { readCatalog } from '../catalog/read-catalog.ts'
import type { PlanTerms } from '../catalog/types.ts'
import { openAccount } from '../ledger/account.ts'
import { decide } from '../ledger/decide.ts'
import type { Account, Call, Entry } from '../ledger/types.ts'
import { parseExact } from '../lib/money.ts'
import { boughtCreditsLine } from './pricing/prepaid-credits.ts'
import { rateCharges } from './pricing/rate-charges.ts'
import { totalInvoice } from './pricing/totals.ts'

// What each document of requirements gives as an example, by its own catalog: the calls are decided
// by the ledger's rule and the bill is made of what it counted.

const folder = join(import.meta.dirname, '../../../../catalogs')

async function example(name: string) {
  const { plans, services } = await readCatalog(join(folder, `example-${name}.yaml`))
  const rules = compileRules(1, services, new Map())
  const termsOf = (plan: string) => compileTerms(1, plan, 1, plans[plan]!)
  return { plans: Object.keys(plans), rules, termsOf }
}
type Example = Awaited<ReturnType<typeof example>>

const open = (): Account =>
  openAccount({ tenantNo: 7, planVersionNo: 1, timeZone: 'UTC', region: null, now: OPENED_AT })

/** Decides the same call so many times, one after the other. */
function call({ rules }: Example, terms: PlanTerms, from: Account, of: Partial<Call>, times = 1) {
  const call = { ...PLAIN_CALL, ...of }
  const entries: Entry[] = []
  let account = from
  for (let count = 0; count < times; count += 1) {
    const price = priceCall(rules, call)
    const outcome = decide(account, { kind: 'call', call, price, senderNo: 3 }, terms, NOW)
    assert.equal(outcome.refusal, null)
    account = outcome.account
    entries.push(outcome.entries.at(-1)!)
  }
  return { account, entries, last: entries.at(-1)! }
}

function bill(terms: PlanTerms, { counters }: Account) {
  const { used, creditsBurned, creditsOverage } = counters
  return billOfCounted(terms, { used, creditsBurned, creditsOverage })
}

const reasons = (entries: readonly Entry[]) => entries.map(({ reason }) => reason)

test('every example is a catalog, and each document has one', async () => {
  const names = readdirSync(folder).filter((name) => name.startsWith('example-'))
  assert.deepEqual(names.sort(), [
    'example-api-usage-and-billing.yaml',
    'example-usage-analyzer.yaml',
    'example-usage-api-prd.yaml',
    'example-usage-control-platform.yaml',
    'example-usage-dashboard.yaml',
  ])
  for (const name of names) await readCatalog(join(folder, name))
})

test('api-usage-and-billing: 100 free requests, then 429', async () => {
  const catalog = await example('api-usage-and-billing')
  const terms = catalog.termsOf('free')
  const request = { service: 'superdoc' }
  const { account, entries, last } = call(catalog, terms, open(), request, 101)
  assert.deepEqual(reasons(entries.slice(0, 100)), Array(100).fill(null))
  assert.equal(last.reason, 'quota_exceeded')
  assert.equal(DENIAL_STATUS.quota_exceeded, 429)
  assert.equal(bill(terms, account).total, '0.00')
})

test('api-usage-and-billing: 250 requests on pro are $25.00', async () => {
  const catalog = await example('api-usage-and-billing')
  const terms = catalog.termsOf('pro')
  const { account, entries } = call(catalog, terms, open(), { service: 'superdoc' }, 250)
  assert.deepEqual(new Set(reasons(entries)), new Set([null]))
  assert.equal(bill(terms, account).total, '25.00')
})

test('usage-api-prd: $10 a month with 10,000 conversions, and the features of each tier', async () => {
  const catalog = await example('usage-api-prd')
  const [free, pro, enterprise] = ['free', 'pro', 'enterprise'].map(catalog.termsOf)
  const { account, last } = call(catalog, pro!, open(), { service: 'convert-to-markdown' }, 10_001)
  assert.equal(last.reason, 'quota_exceeded')
  const { lines, total } = bill(pro!, account)
  assert.equal(total, '10.00')
  assert.deepEqual(
    lines.map(({ description, quantity, amount }) => [description, quantity, amount]),
    [
      ['Pro tier', 1, '10.00'],
      ['Conversions, of 10000 included', 10_000, '0.00'],
    ],
  )
  assert.deepEqual([free!.features.granularity, free!.features.export], ['daily', false])
  assert.deepEqual([pro!.features.granularity, pro!.features.retentionMonths], ['hourly', 12])
  assert.deepEqual(
    [enterprise!.features.granularity, enterprise!.features.retentionMonths],
    ['second', null],
  )
})

test('usage-api-prd: enterprise pays by tiers, and at least 500.00', async () => {
  const catalog = await example('usage-api-prd')
  const terms = catalog.termsOf('enterprise')
  const total = (units: bigint) =>
    billOfCounted(terms, { used: units * UNIT, creditsBurned: 0n }).total
  assert.deepEqual([total(0n), total(150_000n)], ['500.00', '500.00'])
  // 100,000 × 0.004 + 900,000 × 0.002 + 1,000,000 × 0.001
  assert.equal(total(2_000_000n), '3200.00')
})

test('usage-control-platform: 10 requests a day on free, and nothing premium', async () => {
  const catalog = await example('usage-control-platform')
  const terms = catalog.termsOf('free')
  const read = { service: 'notes-api', endpoint: '/notes/7', method: 'GET' }
  const { account, entries, last } = call(catalog, terms, open(), read, 11)
  assert.deepEqual(reasons(entries.slice(0, 10)), Array(10).fill(null))
  assert.equal(last.reason, 'rate_limited')
  assert.equal(bill(terms, account).total, '0.00')

  const write = { service: 'notes-api', endpoint: '/notes', method: 'POST' }
  for (const plan of ['free', 'basic']) {
    const { last } = call(catalog, catalog.termsOf(plan), open(), write)
    assert.equal(last.reason, 'premium_required', plan)
  }
  const admin = { service: 'notes-api', endpoint: '/admin/keys', method: 'GET' }
  assert.equal(call(catalog, terms, open(), admin).last.reason, 'endpoint_not_in_plan')
})

test('usage-control-platform: credits by region and feature, at the price of the plan', async () => {
  const catalog = await example('usage-control-platform')
  const terms = catalog.termsOf('pro')
  const write = { service: 'notes-api', endpoint: '/notes', method: 'POST' }
  const dear = { ...write, region: 'eu', feature: 'summary' }
  const rich = given(open(), 20)
  const plainly = call(catalog, terms, rich, write)
  assert.equal(plainly.account.balance, 18n * UNIT, '2 credits, as in the document')
  const { account } = call(catalog, terms, plainly.account, dear)
  assert.equal(account.balance, 9n * UNIT, '2 × 1.5 × 3 = 9 credits')
  const { account: done, last } = call(catalog, terms, account, dear, 2)
  assert.equal(last.reason, 'insufficient_credits')

  assert.deepEqual(
    bill(terms, done).lines.map(({ description, quantity, amount }) => {
      return [description, quantity, amount]
    }),
    [
      ['Pro', 1, '20.00'],
      ['Credits, paid in advance', 20, '0.00'],
    ],
  )
  const price = (plan: string) =>
    boughtCreditsLine(catalog.termsOf(plan).price, parseExact('1000'))?.amount
  assert.deepEqual([price('free'), price('basic'), price('pro')], [undefined, '12.00', '8.00'])
})

test('usage-dashboard: 11 tokens are 4.40 credits, a report is what it says', async () => {
  const catalog = await example('usage-dashboard')
  const terms = catalog.termsOf('assistant')
  const cost = (of: Partial<Call>) =>
    priceCall(catalog.rules, { ...PLAIN_CALL, service: 'assistant', ...of }).credits
  assert.equal(cost({ endpoint: '/messages', quantity: 44n * UNIT }), 4_400_000n)
  assert.equal(cost({ endpoint: '/messages', quantity: 3n * UNIT }), 1_000_000n)
  assert.equal(cost({ endpoint: '/reports/5392', method: 'GET' }), 79_000_000n)

  // 4.4 + 1 + 79 = 84.4 credits at 0.01
  const readings = new Map(
    ['credits', 'overage_credits', 'assistant_credits'].map((meter) => {
      const quantity = parseExact(meter === 'assistant_credits' ? '84.4' : '0')
      return [meter, [{ group: {}, quantity }]] as const
    }),
  )
  const lines = rateCharges({ price: terms.price, readings })
  assert.deepEqual(
    lines.map(({ description, quantity, unit, amount }) => [description, quantity, unit, amount]),
    [['Assistant', '84.4', 'credits', '0.84']],
  )
})

test('usage-analyzer: each service at its own price', async () => {
  const catalog = await example('usage-analyzer')
  const { price } = catalog.termsOf('cloud')
  const used: Record<string, string> = {
    video_streaming: '3', // 45.00
    cloud_storage: '120.5', // 12.05
    data_analytics: '1', // 50.00
    email_campaigns: '1000', // 50.00
    realtime_messaging: '250', // 20.00
    api_requests: '1001', // 20.02
    file_sync: '10', // 1.50
    vm_hours: '0.25', // 0.125, half to even 0.12
    user_authentication: '50', // 0.50
    database_queries: '500', // 15.00
    credits: '0',
    overage_credits: '0',
  }
  const readings = new Map(
    Object.entries(used).map(([meter, quantity]) => {
      return [meter, [{ group: {}, quantity: parseExact(quantity) }]] as const
    }),
  )
  const lines = rateCharges({ price, readings })
  assert.equal(lines.length, 10)
  assert.equal(totalInvoice({ currency: price.currency, lines }).total, '214.19')
  const bought = price.charges.flatMap((charge) => ('meter' in charge ? charge.meter.name : []))
  assert.ok(bought.every((meter) => Object.hasOwn(used, meter)))
})

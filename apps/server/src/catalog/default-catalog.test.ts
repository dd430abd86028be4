import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { compileRules, compileTerms } from './compile.ts'
import { endpointAllowed } from './endpoint-allowed.ts'
import { priceCall } from './price-call.ts'
import { readCatalog } from './read-catalog.ts'
import type { PlanTerms } from './types.ts'

const file = fileURLToPath(new URL('../../../../catalogs/default.yaml', import.meta.url))
const { plans, services } = await readCatalog(file)
const rules = compileRules(1, services, new Map())

function terms(plan: string): PlanTerms {
  return compileTerms(1, plan, 1, plans[plan]!)
}

const UNIT = 1_000_000n

test('the default catalog has the five plans that were asked for', () => {
  assert.deepEqual(Object.keys(plans), ['free', 'pro', 'team', 'prepaid', 'enterprise'])
  assert.deepEqual(terms('free').quota, { limit: 100n * UNIT, overage: 'deny' })
  assert.partialDeepStrictEqual(terms('pro').price.charges, [
    { model: 'per_unit', unitPrice: '0.10', included: '0' },
    { model: 'prepaid_credits' },
  ])
  assert.equal(terms('pro').quota, null)
  assert.partialDeepStrictEqual(terms('team').price.charges, [
    { model: 'flat', amount: '10' },
    { model: 'per_unit', unitPrice: '0', included: '10000' },
    { model: 'prepaid_credits' },
  ])
  assert.deepEqual(terms('team').quota, { limit: 10_000n * UNIT, overage: 'deny' })
  assert.equal(terms('prepaid').credits, 'required')
  assert.equal(terms('prepaid').quota, null)
  assert.equal(terms('enterprise').quota, null)
  for (const plan of ['free', 'pro', 'team', 'enterprise'])
    assert.equal(terms(plan).credits, 'none')
})

test('only the free plan is kept from premium and bulk endpoints', () => {
  for (const plan of Object.keys(plans)) {
    assert.equal(terms(plan).premium, plan !== 'free', plan)
    assert.equal(endpointAllowed(terms(plan), 'document-api', '/bulk/1'), plan !== 'free', plan)
    assert.equal(endpointAllowed(terms(plan), 'document-api', '/convert'), true, plan)
  }
})

test('quota, and not a rate limit, stops a quick caller on the free plan; batches pass on the others', () => {
  assert.ok(terms('free').rateLimits.every(({ limit }) => limit > 101))
  for (const plan of ['pro', 'team']) {
    assert.ok(
      terms(plan).rateLimits.every(({ limit }) => limit >= 100_000),
      plan,
    )
  }
  for (const plan of ['prepaid', 'enterprise']) assert.deepEqual(terms(plan).rateLimits, [], plan)
})

test('analytics are those of each tier', () => {
  const all = { export: true, alerts: true, performance: true, realtime: true }
  const paid = { ...all, granularity: 'hourly', retentionMonths: 12 }
  for (const plan of ['pro', 'team', 'prepaid']) assert.deepEqual(terms(plan).features, paid, plan)
  assert.deepEqual(terms('enterprise').features, {
    ...all,
    granularity: 'second',
    retentionMonths: null,
  })
  assert.deepEqual(terms('free').features, {
    granularity: 'daily',
    export: false,
    alerts: false,
    performance: false,
    realtime: false,
    retentionMonths: 0,
  })
})

test('the example service shows credits, factors and a premium endpoint; other services have no rules', () => {
  const call = {
    service: 'document-api',
    endpoint: '/convert',
    method: 'POST',
    region: 'eu',
    feature: 'ocr',
    quantity: UNIT,
    reportedCredits: null,
    reportedPremium: null,
  }
  assert.deepEqual(priceCall(rules, call), { credits: 7_200_000n, premium: false })
  assert.deepEqual(priceCall(rules, { ...call, endpoint: '/reports/1' }), {
    credits: 5n * UNIT,
    premium: true,
  })
  assert.deepEqual([...rules.services.keys()], ['document-api'])
})

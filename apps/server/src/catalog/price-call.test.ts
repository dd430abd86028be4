import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CREDITS_MAX } from '../limits.ts'
import { compileRules } from './compile.ts'
import { priceCall } from './price-call.ts'
import { catalogSchema } from './schema.ts'
import type { CallToPrice } from './types.ts'

const { services } = catalogSchema.parse({
  catalog: 1,
  plans: { free: {} },
  services: {
    docs: {
      endpoints: [
        { path: '/convert', methods: ['GET'], credits: 0 },
        {
          path: '/convert',
          methods: ['POST'],
          credits: 2,
          factors: { region: { EU: 1.2 }, feature: { ocr: 3, draft: 0.333333 } },
        },
        { path: '/reports/*', credits: 5, premium: true },
      ],
    },
    strict: { trust_reported: false, endpoints: [{ path: '/a', credits: 7 }] },
    said: { trust_reported: true },
  },
})
const rules = compileRules(
  1,
  services,
  new Map([
    ['said', false],
    ['doubted', false],
    ['docs', true],
  ]),
)

const plain: CallToPrice = {
  service: 'docs',
  endpoint: '/convert',
  method: 'POST',
  region: null,
  feature: null,
  quantity: 1_000_000n,
  reportedCredits: null,
  reportedPremium: null,
}
const price = (call: Partial<CallToPrice>) => priceCall(rules, { ...plain, ...call })
const credits = (call: Partial<CallToPrice>) => price(call).credits

test('the rule of an endpoint wins over what the request says', () => {
  const claimed = { reportedCredits: 1n, reportedPremium: false }
  assert.deepEqual(price(claimed), { credits: 2_000_000n, premium: false })
  assert.deepEqual(price({ ...claimed, endpoint: '/reports/7' }), {
    credits: 5_000_000n,
    premium: true,
  })
})

test('the first rule that matches wins', () => {
  assert.equal(credits({ method: 'GET' }), 0n)
  assert.equal(credits({ method: 'post' }), 2_000_000n)
})

test('a call that leaves out its method does not get around the rules for methods', () => {
  const { credits } = priceCall(
    compileRules(
      1,
      { strict: { trust_reported: null, endpoints: services.docs!.endpoints.slice(1) } },
      new Map(),
    ),
    { ...plain, service: 'strict', method: null, reportedCredits: 0n },
  )
  assert.equal(credits, 2_000_000n)
})

test('no spelling of a path slips past a premium rule', () => {
  const spellings = [
    '/reports/',
    '/reports',
    '//reports/1',
    '/x/../reports/1',
    '/%72eports/1',
    '/reports%2f1',
    '/./reports/1?a',
  ]
  for (const endpoint of spellings) assert.equal(price({ endpoint }).premium, true, endpoint)
  assert.equal(price({ endpoint: '/reportsx' }).premium, false)
})

test('credits are multiplied by the factors of region and feature and by the quantity', () => {
  assert.equal(credits({ region: 'eu' }), 2_400_000n)
  assert.equal(credits({ region: 'Eu' }), 2_400_000n)
  assert.equal(credits({ region: 'us' }), 2_000_000n)
  assert.equal(credits({ region: 'eu', feature: 'ocr' }), 7_200_000n)
  assert.equal(credits({ region: 'eu', feature: 'ocr', quantity: 2_500_000n }), 18_000_000n)
  assert.equal(credits({ feature: 'toString', region: '__proto__' }), 2_000_000n)
})

test('a result is rounded once, half up, to a millionth', () => {
  // 2 × 0.333333 × 0.000001 = 0.000000666666, and 2 × 1.2 × 0.333333 × 0.000001 = 0.0000007999992
  assert.equal(credits({ feature: 'draft', quantity: 1n }), 1n)
  assert.equal(credits({ feature: 'draft', region: 'eu', quantity: 1n }), 1n)
  assert.equal(credits({ quantity: 0n }), 0n)
  // 5 × 0.5 of a millionth, in a rule without factors.
  const half = compileRules(
    1,
    catalogSchema.parse({
      catalog: 1,
      plans: { free: {} },
      services: { s: { endpoints: [{ path: '*', credits: 0.000005 }] } },
    }).services,
    new Map(),
  )
  assert.equal(priceCall(half, { ...plain, service: 's', quantity: 500_000n }).credits, 3n)
})

test('without a rule the request is believed, in all and not per unit; one that says nothing costs a credit per unit', () => {
  for (const service of ['docs', 'said', 'notes-api']) {
    const call = { service, endpoint: '/notes', quantity: 3_000_000n }
    assert.deepEqual(price(call), { credits: 3_000_000n, premium: false })
    assert.deepEqual(price({ ...call, reportedCredits: 2_500_000n, reportedPremium: true }), {
      credits: 2_500_000n,
      premium: true,
    })
    assert.equal(credits({ ...call, reportedCredits: 0n }), 0n)
  }
})

test('a service that is not trusted is not believed, whether the catalog or the registration says so', () => {
  for (const service of ['strict', 'doubted']) {
    const claimed = { service, endpoint: '/notes', reportedCredits: 0n, reportedPremium: true }
    assert.deepEqual(price(claimed), { credits: 1_000_000n, premium: false })
  }
})

test('no call costs more than the wire can carry', () => {
  const most = BigInt(CREDITS_MAX) * 1_000_000n
  assert.equal(credits({ quantity: most, feature: 'ocr' }), most)
  assert.equal(credits({ service: 'strict', endpoint: '/b', quantity: most + 1n }), most)
})

test('the exact product, rounded half up, for any credits, factors and quantity', () => {
  const micros = fc.bigInt({ min: 0n, max: 10_000_000n })
  fc.assert(
    fc.property(micros, micros, micros, micros, (perUnit, region, feature, quantity) => {
      const one = {
        version: 1,
        services: new Map([
          [
            's',
            {
              trustReported: true,
              endpoints: [
                {
                  matchesPath: () => true,
                  methods: null,
                  credits: perUnit,
                  textCredits: null,
                  premium: false,
                  regionFactors: new Map([['r', region]]),
                  featureFactors: new Map([['f', feature]]),
                },
              ],
            },
          ],
        ]),
      }
      const call = { ...plain, service: 's', region: 'R', feature: 'F', quantity }
      const exact = perUnit * region * feature * quantity
      const twice = 2n * priceCall(one, call).credits * 10n ** 18n
      assert.ok(twice - 2n * exact <= 10n ** 18n && 2n * exact - twice < 10n ** 18n)
    }),
  )
})

test('with hundreds of rules the first that matches still wins, and calls for more endpoints than are remembered are priced right', () => {
  const endpoints = Array.from({ length: 300 }, (_, index) => ({
    path: `/e${index}/*`,
    credits: index,
  }))
  const { services } = catalogSchema.parse({
    catalog: 1,
    plans: { free: {} },
    services: { big: { endpoints: [...endpoints, { path: '/e299/x', credits: 9 }] } },
  })
  const big = compileRules(1, services, new Map())
  for (let round = 0; round < 2; round += 1) {
    for (let index = 0; index < 6_000; index += 1) {
      const call = { ...plain, service: 'big', endpoint: `/e${index % 300}/x/${index}` }
      assert.equal(priceCall(big, call).credits, BigInt(index % 300) * 1_000_000n)
    }
  }
})

test('a rule that takes credits from tokens reads quantity as characters, and its factors come after', () => {
  const { services } = catalogSchema.parse({
    catalog: 1,
    plans: { free: {} },
    services: {
      assistant: {
        endpoints: [
          {
            path: '/messages',
            credits_from_tokens: { rate: '0.4', minimum: '1.00' },
            factors: { region: { eu: 1.5 } },
          },
        ],
      },
    },
  })
  const texts = compileRules(1, services, new Map())
  const cost = (characters: bigint, region: string | null = null) =>
    priceCall(texts, {
      ...plain,
      service: 'assistant',
      endpoint: '/messages',
      region,
      quantity: characters * 1_000_000n,
      reportedCredits: 9_000_000n,
    }).credits
  assert.equal(cost(44n), 4_400_000n)
  assert.equal(cost(41n), 4_400_000n, '11 tokens as well: a part of a token is one')
  assert.equal(cost(0n), 1_000_000n)
  assert.equal(cost(44n, 'EU'), 6_600_000n)
  assert.equal(cost(4n, 'EU'), 1_500_000n, 'the minimum, times the factor')
})

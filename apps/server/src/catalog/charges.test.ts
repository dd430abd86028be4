import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileTerms } from './compile.ts'
import { CatalogError, parseCatalog } from './parse-catalog.ts'
import { planSchema } from './schema.ts'
import { storedTerms } from './stored.ts'

function problemsOf(text: string): readonly string[] {
  try {
    parseCatalog(text, 'file.yaml')
  } catch (error) {
    assert.ok(error instanceof CatalogError, String(error))
    return error.problems
  }
  return []
}

const charges = (plan: object) => compileTerms(1, 'pro', 1, planSchema.parse(plan)).price.charges

test('what is wrong with meters and charges is named with its line and column', () => {
  const text = `catalog: 1
meters:
  units: { aggregation: count }
  pages: { aggregation: sum }
  calls: { aggregation: count, field: quantity }
  users: { aggregation: unique, field: token_count, group_by: [region, region] }
  odd: { aggregation: median, filter: { method: [post], status: [ok], place: [x] } }
plans:
  pro:
    price:
      charges:
        - { name: A, model: per_unit, meter: units }
        - { name: B, model: tiered, meter: units }
        - { name: C, model: graduated, meter: units, tiers: [] }
        - name: D
          model: volume
          meter: units
          tiers:
            - { up_to: 100, unit_price: "1" }
            - { up_to: "100.0", unit_price: "1" }
            - { unit_price: "0.5" }
            - { up_to: 500 }
        - { name: E, model: package, meter: units, package: { size: 0, price: "5" } }
        - { name: F, model: percentage, meter: units, rate: "2.5", minimum: "5", maximum: "4.99" }
        - { name: G, model: flat, amount: "10", timing: now, meter: units }
        - { name: H, model: per_unit, meter: units, unit_price: 0.5, included: -1 }
`
  assert.deepEqual(problemsOf(text), [
    'file.yaml:3:3: meters.units: this meter is built in; choose another name',
    'file.yaml:4:3: meters.pages.field: sum needs a field: one of quantity, file_size_bytes, processing_time_ms, token_count, credits, or properties.<name>',
    'file.yaml:5:39: meters.calls.field: count counts calls and takes no field; sum adds up a field',
    'file.yaml:6:40: meters.users.field: unique needs a field: one of service, endpoint, method, region, feature, file_type, output_format, error_code, or properties.<name>',
    'file.yaml:6:63: meters.users.group_by: lists a dimension twice',
    'file.yaml:7:23: meters.odd.aggregation: must be one of count, sum, max, last, unique',
    'file.yaml:7:50: meters.odd.filter.method[0]: must be a method in capitals, such as POST',
    'file.yaml:7:66: meters.odd.filter.status[0]: must be one of success, failure',
    'file.yaml:7:71: meters.odd.filter.place: is not a key that is known here',
    'file.yaml:12:11: plans.pro.price.charges[0].unit_price: must be a decimal in quotes, such as "0.10"',
    'file.yaml:13:29: plans.pro.price.charges[1].model: must be one of flat, per_unit, graduated, volume, package, percentage, prepaid_credits',
    'file.yaml:14:61: plans.pro.price.charges[2].tiers: must have at least 1',
    'file.yaml:20:24: plans.pro.price.charges[3].tiers[1].up_to: must be above 100, where the tier before it ends',
    'file.yaml:21:15: plans.pro.price.charges[3].tiers[2].up_to: is missing; only the last tier is open',
    'file.yaml:22:24: plans.pro.price.charges[3].tiers[3].up_to: the last tier is open: leave up_to out',
    'file.yaml:23:69: plans.pro.price.charges[4].package.size: must be above 0',
    'file.yaml:24:91: plans.pro.price.charges[5].maximum: is below the minimum',
    'file.yaml:25:57: plans.pro.price.charges[6].timing: must be one of in_advance, in_arrears',
    'file.yaml:25:62: plans.pro.price.charges[6].meter: is not a key that is known here',
    'file.yaml:26:65: plans.pro.price.charges[7].unit_price: must be a decimal in quotes, such as "0.10"',
    'file.yaml:26:80: plans.pro.price.charges[7].included: must be a quantity such as 1000, or a decimal in quotes, such as "0.5"',
  ])
})

test('a meter that is not there, or not grouped as a factor needs it, is named, and so is what is charged twice', () => {
  const text = `catalog: 1
meters:
  pages: { aggregation: sum, field: quantity, group_by: [region] }
plans:
  pro:
    price:
      base: "10"
      per_unit: "0.10"
      included: 5
      charges:
        - { name: Fee, model: flat, amount: "1" }
        - { name: Calls, model: per_unit, meter: units, unit_price: "1", factors: { region: { eu: 2 } } }
        - { name: Pages, model: per_unit, meter: page, unit_price: "1" }
        - { name: Pages, model: per_unit, meter: pages, unit_price: "1", factors: { region: { eu: 2 }, feature: { ocr: 3 } } }
        - { name: Burned, model: per_unit, meter: credits, unit_price: "1" }
        - { name: Credits, model: prepaid_credits, credit_price: "0.01" }
        - { name: Constructor, model: per_unit, meter: constructor, unit_price: "1" }
`
  assert.deepEqual(problemsOf(text), [
    'file.yaml:7:13: plans.pro.price.base: “Fee” is a flat fee too; write all of them under charges',
    'file.yaml:8:17: plans.pro.price.per_unit: “Calls” charges units too; write it under charges alone',
    'file.yaml:9:17: plans.pro.price.included: “Calls” charges units too; write it under charges alone',
    'file.yaml:12:93: plans.pro.price.charges[1].factors.region: needs a meter with group_by: [region]; “units” is not grouped by it',
    'file.yaml:13:50: plans.pro.price.charges[2].meter: there is no meter “page”; there are units, credits, pages',
    'file.yaml:14:19: plans.pro.price.charges[3].name: another charge of this plan has this name',
    'file.yaml:14:113: plans.pro.price.charges[3].factors.feature: needs a meter with group_by: [feature]; “pages” is not grouped by it',
    'file.yaml:16:35: plans.pro.price.charges[5].model: “Burned” charges the plan’s credits already',
    'file.yaml:17:56: plans.pro.price.charges[6].meter: there is no meter “constructor”; there are units, credits, pages',
  ])
})

test('the shorthand means the same as the charges that it stands for', () => {
  const shorthand = { price: { base: '10', per_unit: '0.002', included: 10_000 } }
  const written = {
    price: {
      charges: [
        { name: 'Base fee, plan pro', model: 'flat', amount: '10' },
        { name: 'Calls', model: 'per_unit', meter: 'units', unit_price: '0.002', included: 10_000 },
      ],
    },
  }
  assert.deepEqual(charges(shorthand), charges(written))
})

test('a version that was stored before there were charges means what it meant', () => {
  const price = { currency: 'EUR', base: '10', per_unit: '0.10', included: 2.5 }
  const row = { plan_version_no: 1, plan: 'pro', version: 1, terms: { price } }
  assert.deepEqual(charges(storedTerms(row)), charges({ price }))
  assert.deepEqual(
    charges(storedTerms(row)).map((charge) => charge.model),
    ['flat', 'per_unit', 'prepaid_credits'],
  )
})

test('a plan keeps the meters that it uses, and so is not changed by another meter', () => {
  const catalog = (unused: string) => `
catalog: 1
meters:
  pages: { aggregation: sum, field: properties.pages, filter: { service: [docs] } }
  unused: { aggregation: ${unused} }
plans:
  pro: { price: { charges: [{ name: P, model: per_unit, meter: pages, unit_price: "1" }] } }
  free: {}
`
  const { plans } = parseCatalog(catalog('count'), 'file.yaml')
  assert.deepEqual(Object.keys(plans.pro!.meters), ['pages'])
  assert.deepEqual(plans.free!.meters, {})
  assert.deepEqual(parseCatalog(catalog('sum, field: credits'), 'file.yaml').plans, plans)
  assert.deepEqual(planSchema.parse(JSON.parse(JSON.stringify(plans.pro))), plans.pro)
})

test('a quantity is the same terms however it is written', () => {
  const one = (included: unknown) => {
    const charge = { name: 'A', model: 'per_unit', meter: 'units', unit_price: '1', included }
    return planSchema.parse({ price: { charges: [charge] } })
  }
  assert.deepEqual(one('1000.50'), one(1000.5))
  assert.deepEqual(one('0001'), one(1))
  for (const bad of [
    '1e3',
    '',
    -1,
    0.0000001,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 60,
    null,
  ]) {
    assert.throws(() => one(bad), /must be a quantity/, String(bad))
  }
})

test('a rule cannot say twice what a call costs', () => {
  const text = `catalog: 1
services: { s: { endpoints: [{ path: /x, credits: 2, credits_from_tokens: { rate: "0.4" } }] } }
plans: { free: {} }
`
  assert.match(problemsOf(text)[0] ?? 'accepted', /^file\.yaml:2:75: .*leave one of them out$/)
})

test('prices in other currencies, trials and allowances are what they say, and nothing by default', () => {
  const plan = planSchema.parse({
    price: { base: '10' },
    prices: [{ currency: 'EUR', base: '9', per_unit: '0.05' }, { currency: 'JPY' }],
    trial_days: 14,
    allowance: { credits: 50.5 },
  })
  const terms = compileTerms(1, 'pro', 1, plan)
  assert.deepEqual([...terms.prices.keys()], ['USD', 'EUR', 'JPY'])
  assert.deepEqual(terms.prices.get('USD'), terms.price)
  assert.deepEqual(
    terms.prices.get('EUR')?.charges.map(({ model }) => model),
    ['flat', 'per_unit', 'prepaid_credits'],
  )
  assert.equal(terms.trialDays, 14)
  assert.deepEqual(terms.allowance, { credits: 50_500_000n, rolloverMax: 0n })

  const plain = compileTerms(1, 'pro', 1, planSchema.parse({}))
  assert.deepEqual([...plain.prices.keys()], ['USD'])
  assert.deepEqual([plain.trialDays, plain.allowance], [0, null])
})

test('what is wrong with prices, trials and allowances is named with its line and column', () => {
  const text = `catalog: 1
plans:
  pro:
    price: { currency: EUR }
    prices:
      - { currency: EUR }
      - { currency: USD }
      - { base: "5" }
      - { currency: XXZ }
      - { currency: GBP, charges: [{ name: A, model: per_unit, meter: nothing, unit_price: "1" }] }
  a: { trial_days: -1 }
  b: { trial_days: 367 }
  c: { trial_days: 1.5 }
  d: { allowance: { credits: 0 } }
  e: { allowance: { credits: 0.0000001 } }
  f: { allowance: { rollover_max: 5 } }
  g: { allowance: { credits: 5, rollover_max: -1 } }
  h: { allowance: 5 }
`
  assert.deepEqual(problemsOf(text), [
    'file.yaml:9:21: plans.pro.prices[3].currency: must be an ISO 4217 currency, such as USD',
    'file.yaml:11:20: plans.a.trial_days: must be at least 0',
    'file.yaml:12:20: plans.b.trial_days: must be at most 366',
    'file.yaml:13:20: plans.c.trial_days: must be a whole number, not 1.5',
    'file.yaml:14:30: plans.d.allowance.credits: must be above 0',
    'file.yaml:15:30: plans.e.allowance.credits: must have at most 6 decimals',
    'file.yaml:16:8: plans.f.allowance.credits: is missing; it must be a number',
    'file.yaml:17:47: plans.g.allowance.rollover_max: must be at least 0',
    'file.yaml:18:19: plans.h.allowance: must be a mapping, not 5',
  ])
})

test('two prices in one currency would be a guess which is meant, so neither is taken', () => {
  const text = `catalog: 1
plans:
  pro:
    price: { currency: EUR }
    prices: [{ currency: EUR }, { currency: USD }, { base: "5" }]
`
  assert.deepEqual(problemsOf(text), [
    'file.yaml:5:26: plans.pro.prices[0].currency: there is a price in EUR already',
    'file.yaml:5:52: plans.pro.prices[2].currency: there is a price in USD already',
  ])
})

test('charges of a price in another currency use meters, and keep them, as those of the first do', () => {
  const text = (meter: string) => `catalog: 1
meters: { pages: { aggregation: sum, field: quantity } }
plans:
  pro:
    prices:
      - { currency: EUR, charges: [{ name: P, model: per_unit, meter: ${meter}, unit_price: "1" }] }
`
  assert.deepEqual(Object.keys(parseCatalog(text('pages'), 'file').plans.pro!.meters), ['pages'])
  assert.deepEqual(problemsOf(text('sheets')), [
    'file.yaml:6:71: plans.pro.prices[0].charges[0].meter: there is no meter “sheets”; there are units, credits, pages',
  ])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  randomCharges,
  randomQuantities,
  randomReadings,
  type TestReading,
} from '../../../test/random-charges.ts'
import type { Charge } from '../../catalog/charge-types.ts'
import { compileTerms } from '../../catalog/compile.ts'
import { metersSchema } from '../../catalog/meter-schema.ts'
import { planSchema } from '../../catalog/schema.ts'
import type { PlanTerms } from '../../catalog/types.ts'
import { formatMoney, NOTHING, parseExact } from '../../lib/money.ts'
import { ratePeriod } from '../invoices/rate-period.ts'
import type { Usage } from '../usage/tally.ts'
import type { Span } from '../usage/timeline.ts'
import { comparePlans, savingPerMonth, wholePeriods } from './compare-plans.ts'
import { costOfOnePeriod, costOfRunning } from './cost-ahead.ts'
import type { MeasuredPeriod, MeasuredPeriods } from './measured-periods.ts'

const DAY_MS = 86_400_000
const START = Date.parse('2025-03-01T00:00:00Z')
const END = Date.parse('2025-03-31T00:00:00Z')
const FEE: Charge = { name: 'Fee', model: 'flat', amount: '7', timing: 'in_advance' }

const PLAN = compileTerms(1, 'own', 1, planSchema.parse({}))
/** Of what every call says, by region and feature. */
const ADDED_UP = metersSchema.parse({
  pages: { aggregation: 'sum', field: 'quantity', group_by: ['region', 'feature'] },
}).pages!
const charges = randomCharges.map((charge): Charge => {
  return { ...charge, meter: { ...charge.meter, definition: ADDED_UP } }
})
const on = (charges: readonly Charge[], more: Partial<PlanTerms> = {}): PlanTerms => {
  const price = { currency: 'USD', charges }
  return { ...PLAN, price, prices: new Map([['USD', price]]), ...more }
}

function row(meter: string, quantity: string, more: Partial<Usage> = {}): Usage {
  return {
    periodStart: START,
    planVersionNo: 1,
    trial: false,
    meter,
    region: '',
    feature: '',
    quantity: parseExact(quantity),
    lastAt: null,
    firstSeq: 1,
    lastSeq: 1,
    entries: 1,
    ...more,
  }
}

function span(from: number, to: number, state: Span['state'] = 'active'): Span {
  const period = { start: START, end: END }
  return { from, fromSeq: 0, to, period, timeZone: 'UTC', planVersionNo: 1, state }
}
const WHOLE = [span(START, END)]

function measured(terms: PlanTerms, usage: readonly Usage[], spans = WHOLE): MeasuredPeriods {
  return { currency: 'USD', termsOf: () => terms, periods: [{ spans, usage }] }
}

function bill(terms: PlanTerms, { spans, usage }: MeasuredPeriod): string {
  const lines = ratePeriod({ spans, usage, termsOf: () => terms, currency: 'USD' })
  const sum = lines.reduce((before, { amount }) => before.add(parseExact(amount)), NOTHING)
  return formatMoney(sum, 'USD')
}

/** Of one meter, by region and feature, each once. */
function usageOf(readings: readonly TestReading[], units: string): Usage[] {
  const rows = new Map<string, Usage>()
  for (const { quantity, region, feature } of readings) {
    const group = { region: region ?? '', feature: feature ?? '' }
    rows.set(JSON.stringify(group), row('pages', quantity, group))
  }
  return [row('units', units), ...rows.values()]
}

test('nothing more costs what the running bill says, whatever the prices', () => {
  fc.assert(
    fc.property(charges, randomReadings, (charge, readings) => {
      const terms = on([FEE, charge])
      const now = measured(terms, usageOf(readings, '3'))
      assert.equal(costOfRunning(now, START + DAY_MS, 0), bill(terms, now.periods[0]!))
    }),
  )
})

test('as many units more are as much more of every meter that adds up', () => {
  fc.assert(
    fc.property(
      charges,
      randomReadings,
      fc.integer({ min: 1, max: 4 }),
      (charge, readings, times) => {
        const terms = on([FEE, charge])
        const usage = usageOf(readings, '2')
        const more = usage.map((one) => ({ ...one, quantity: one.quantity.mul(1 + times) }))
        const expected = bill(terms, { spans: WHOLE, usage: more })
        assert.equal(costOfRunning(measured(terms, usage), START, 2 * times), expected)
      },
    ),
  )
})

test('a period of its own with as many units as were measured costs what they cost', () => {
  fc.assert(
    fc.property(charges, randomReadings, (charge, readings) => {
      const terms = on([FEE, charge])
      const usage = usageOf(readings, '5')
      const from = START + 11 * DAY_MS
      const cost = costOfOnePeriod(measured(terms, usage), { from, to: from + END - START }, 5)
      assert.equal(cost, bill(terms, { spans: WHOLE, usage }))
    }),
  )
})

test('without a unit to go by, units alone are charged', () => {
  const terms = compileTerms(1, 'own', 1, planSchema.parse({ price: { per_unit: '0.10' } }))
  assert.equal(costOfRunning(measured(terms, []), START, 30), '3.00')
  assert.equal(costOfOnePeriod(measured(terms, []), { from: START, to: END }, 30), '3.00')
  assert.equal(costOfRunning(measured(terms, []), START, 0), '0.00')
  assert.equal(costOfRunning(measured(terms, []), START, -5), '0.00')
})

test('what is used in a trial is free, and what is used after it is not', () => {
  const terms = compileTerms(1, 'own', 1, planSchema.parse({ price: { per_unit: '1' } }))
  const middle = START + 15 * DAY_MS
  const spans = [span(START, middle, 'trial'), span(middle, END)]
  const now = measured(terms, [row('units', '10', { trial: true })], spans)
  assert.equal(costOfRunning(now, START, 30), '15.00')
  assert.equal(costOfRunning(now, middle, 30), '30.00')
  assert.equal(costOfRunning(now, END, 30), '0.00')
})

test('where a plan has no price in the currency there is no cost', () => {
  const now = { ...measured(PLAN, [row('units', '1')]), currency: 'JPY' }
  assert.equal(costOfRunning(now, START, 1), null)
  assert.equal(costOfOnePeriod(now, { from: START, to: END }, 1), null)
})

test('a plan that held all through is compared at what its bills were', () => {
  const periods = fc.array(fc.tuple(randomReadings, randomQuantities), {
    minLength: 1,
    maxLength: 3,
  })
  fc.assert(
    fc.property(charges, periods, (charge, used) => {
      const terms = on([FEE, charge])
      const whole = used.map(([readings, units]) => ({
        spans: WHOLE,
        usage: usageOf(readings, units),
      }))
      const { compared, notCompared } = comparePlans([terms], whole, () => terms, 'USD')
      assert.deepEqual(notCompared, [])
      const bills = whole.map((period) => parseExact(bill(terms, period)))
      const sum = bills.reduce((before, amount) => before.add(amount), NOTHING)
      assert.equal(compared[0]!.total, formatMoney(sum, 'USD'))
    }),
  )
})

test('a plan that measures or counts something else is not compared', () => {
  const periods = [{ spans: WHOLE, usage: [row('units', '5')] }]
  const reason = (other: PlanTerms) => {
    const { notCompared } = comparePlans([other], periods, () => on([FEE]), 'USD')
    return notCompared[0]?.reason ?? null
  }
  const [definition] = ['sum', 'max'].map((aggregation) => ({ aggregation, field: 'token_count' }))
  const own = { meter: { name: 'm', unit: 'm', definition } }
  const metered = { name: 'M', model: 'per_unit', unitPrice: '1', ...own } as unknown as Charge
  assert.equal(reason(on([FEE])), null)
  assert.equal(reason(on([metered])), 'meter_not_measured')
  assert.equal(reason(on([FEE], { counts: 'all' })), 'counts_differently')
  assert.equal(reason(on([FEE], { credits: 'required' })), 'credits_not_measured')
  assert.equal(reason({ ...PLAN, prices: new Map() }), 'no_price_in_currency')
})

test('a saving is an average, rounded once, and nothing where nothing is saved', () => {
  const saving = (dear: string, cheap: string) => {
    return savingPerMonth({ total: dear }, { total: cheap }, 3, 'USD')
  }
  assert.equal(saving('10.00', '0.00'), '3.33')
  assert.equal(saving('10.00', '9.99'), null)
  assert.equal(saving('1.00', '1.00'), null)
  assert.equal(saving('1.00', '2.00'), null)
})

test('the period that runs is not whole, nor is one without a subscription', () => {
  const of = (state: Span['state']) => ({ spans: [span(START, END, state)], usage: [] })
  const all = [of('active'), of('canceled'), of('paused'), of('trial'), of('active')]
  assert.deepEqual(wholePeriods(all, 3), [all[0], all[3]])
  assert.deepEqual(wholePeriods(all, 1), [all[3]])
  assert.deepEqual(wholePeriods([of('active')], 3), [])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChargeFactors, PriceModel } from '../../catalog/charge-types.ts'
import { chargeRule } from './rules.ts'

const NO_FACTORS: ChargeFactors = { region: new Map(), feature: new Map() }

function ruleOf(model: PriceModel, more: object = {}): string {
  const charge = {
    name: 'Calls',
    meter: { name: 'units', unit: 'calls', definition: null },
    included: '0',
    minimum: null,
    maximum: null,
    factors: NO_FACTORS,
    ...model,
    ...more,
  }
  return chargeRule(charge, [{ kind: 'usage' }])
}

const tiers = [
  { upTo: '1000', unitPrice: '0.10', flat: '0' },
  { upTo: null, unitPrice: '0.05', flat: '3' },
]

for (const [rule, expected] of [
  [ruleOf({ model: 'per_unit', unitPrice: '0.10' }), 'per unit: quantity × 0.10'],
  [
    ruleOf({ model: 'per_unit', unitPrice: '0.10' }, { included: '10000.5' }),
    'per unit: quantity × 0.10, after 10,000.5 included in a whole period',
  ],
  [
    ruleOf({ model: 'graduated', tiers }),
    'graduated: each unit at the price of the tier it falls into (up to 1,000: 0.10; all above: 0.05 and 3 once)',
  ],
  [
    ruleOf({ model: 'volume', tiers }),
    'volume: all units at the price of the tier the last one falls into (up to 1,000: 0.10; all above: 0.05 and 3 once)',
  ],
  [
    ruleOf({ model: 'package', size: '1000', price: '4' }, { minimum: '1', maximum: '9' }),
    'packages: 4 for each begun package of 1,000, at least 1 for a whole period, at most 9 for a whole period',
  ],
  [
    ruleOf(
      { model: 'percentage', rate: '2.5' },
      { factors: { region: new Map([['eu', '1.2']]), feature: new Map([['ocr', '3']]) } },
    ),
    'percentage: 2.5 % of quantity, times the factors (region eu: 1.2; feature ocr: 3; all others: 1)',
  ],
] as const) {
  test(`a rule in words: ${expected}`, () => assert.equal(rule, expected))
}

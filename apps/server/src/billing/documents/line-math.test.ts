import assert from 'node:assert/strict'
import { test } from 'node:test'
import { step } from '../../../test/example-documents.ts'
import { lineMath } from './line-math.ts'

test('a line of one price needs no math', () => {
  for (const math of [
    [],
    [step({ quantity: '250', unit_price: '0.1', amount: '25' })],
    [step({ kind: 'fee', unit_price: '49', amount: '49' })],
    [step({ kind: 'included', quantity: '800', up_to: '1000', unit_price: '0', amount: '0' })],
  ]) {
    assert.deepEqual(lineMath({ math }, 2), [])
  }
})

test('each tier is a product that a reader can work out', () => {
  const math = [
    step({ kind: 'included', quantity: '1000', up_to: '1000', amount: '0' }),
    step({ from: '1000', up_to: '3000', quantity: '2000', unit_price: '0.01', amount: '20' }),
    step({ from: '3000', quantity: '1234.5', unit_price: '0.003', flat: '5', amount: '8.7035' }),
  ]
  assert.deepEqual(lineMath({ math }, 2), [
    'first 1,000 included',
    'over 1,000 to 3,000: 2,000 × 0.01 = 20.00',
    'over 3,000: 1,234.5 × 0.003 + 5.00 = 8.7035',
  ])
})

test('factors, packages, minimum and maximum are named', () => {
  const factor = { quantity: '120', unit_price: '0.2', factor: '1.5' }
  const math = [
    step({ ...factor, group: 'region eu', amount: '36' }),
    step({ ...factor, flat: '1', amount: '37.5' }),
    step({ kind: 'package', quantity: '3', unit_price: '5', amount: '15' }),
    step({ kind: 'minimum', amount: '0.6' }),
    step({ kind: 'maximum', amount: '-4' }),
    step({ kind: 'included', quantity: '5', up_to: '1000', amount: '0' }),
  ]
  assert.deepEqual(lineMath({ math }, 2), [
    'region eu: 120 × 0.20 × 1.5 = 36.00',
    '(120 × 0.20 + 1.00) × 1.5 = 37.50',
    '3 packages × 5.00 = 15.00',
    'up to the minimum: 0.60',
    'down to the maximum: −4.00',
    '5 of the first 1,000 included',
  ])
})

test('a single step is shown where the price alone does not give the amount', () => {
  const texts = (changes: Parameters<typeof step>[0]) => lineMath({ math: [step(changes)] }, 2)
  assert.deepEqual(texts({ quantity: '10', unit_price: '2', factor: '0.5', amount: '10' }), [
    '10 × 2.00 × 0.5 = 10.00',
  ])
  assert.deepEqual(texts({ kind: 'package', quantity: '1', unit_price: '5', amount: '5' }), [
    '1 package × 5.00 = 5.00',
  ])
})

test('an adjustment is what a period costs now, less what was billed for it', () => {
  const math = [step({ kind: 'as_now', amount: '30' }), step({ kind: 'as_billed', amount: '-25' })]
  assert.deepEqual(lineMath({ math }, 2), ['as counted now: 30.00', 'less what was billed: −25.00'])
})

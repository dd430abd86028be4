import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Decimal } from 'decimal.js'
import fc from 'fast-check'
import {
  ASSISTANT_TEXT,
  charactersIn,
  creditsFromTokens,
  type TokenCredits,
} from './credits-from-tokens.ts'

test('11 tokens are 4.40 credits and not 4.41; less than a credit is one credit', () => {
  const table: [characters: bigint, micros: bigint][] = [
    [0n, 1_000_000n],
    [1n, 1_000_000n],
    [8n, 1_000_000n],
    [9n, 1_200_000n],
    [12n, 1_200_000n],
    [41n, 4_400_000n],
    [44n, 4_400_000n],
    [45n, 4_800_000n],
    [400n, 40_000_000n],
    [10n ** 15n, 10n ** 20n],
  ]
  for (const [characters, micros] of table) {
    assert.equal(creditsFromTokens(characters), micros, `${characters} characters`)
  }
})

test('ties are rounded as the rule says', () => {
  const cost = (tokens: bigint, rounding: TokenCredits['rounding']) =>
    creditsFromTokens(tokens, {
      charactersPerToken: 1n,
      rate: '0.125',
      minimum: '0',
      decimals: 2,
      rounding,
    })
  assert.equal(cost(1n, 'half_up'), 130_000n)
  assert.equal(cost(1n, 'half_even'), 120_000n)
  assert.equal(cost(3n, 'half_even'), 380_000n)
  assert.equal(cost(1n, 'up'), 130_000n)
  assert.equal(cost(1n, 'down'), 120_000n)
  assert.equal(cost(0n, 'up'), 0n)
})

test('a minimum or a rate of less than a millionth does not vanish by being cut off', () => {
  const tiny = { ...ASSISTANT_TEXT, decimals: 6, minimum: '0.0000001' }
  assert.equal(creditsFromTokens(0n, tiny), 1n)
  assert.equal(creditsFromTokens(40_000_000n, { ...tiny, rate: '0.000000000001' }), 10n)
})

test('characters are counted as people count them', () => {
  assert.equal(charactersIn(''), 0n)
  assert.equal(charactersIn('naïve'), 5n)
  assert.equal(charactersIn('😀😀😀'), 3n, 'six halves in JavaScript')
})

test('the credits of any text are what exact decimals say', () => {
  const Exact = Decimal.clone({ precision: 80 })
  const rounding = fc.constantFrom<TokenCredits['rounding']>('half_up', 'half_even', 'up', 'down')
  const modes = {
    half_up: Exact.ROUND_HALF_UP,
    half_even: Exact.ROUND_HALF_EVEN,
    up: Exact.ROUND_UP,
    down: Exact.ROUND_DOWN,
  }
  const rates = fc.bigInt({ min: 0n, max: 10n ** 18n }).map((digits) => {
    return new Exact(digits.toString()).div('1e12').toFixed()
  })
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 10n ** 12n }),
      fc.bigInt({ min: 1n, max: 9n }),
      rates,
      fc.integer({ min: 0, max: 6 }),
      rounding,
      (characters, charactersPerToken, rate, decimals, how) => {
        const rule = { charactersPerToken, rate, minimum: '1.00', decimals, rounding: how }
        const tokens = new Exact(characters.toString()).div(charactersPerToken.toString()).ceil()
        const exact = tokens.mul(rate).toDecimalPlaces(decimals, modes[how])
        const expected = Exact.max(exact, 1).mul(1_000_000).toFixed()
        assert.equal(creditsFromTokens(characters, rule).toString(), expected)
      },
    ),
  )
})

test('fewer than no characters is a mistake of the caller', () => {
  assert.throws(() => creditsFromTokens(-1n), RangeError)
})

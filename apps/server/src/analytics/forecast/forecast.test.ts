import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { forecastOf } from './forecast.ts'
import type { Day, DayAhead } from './shape.ts'

/** From a Monday on. */
function daysOf(amounts: readonly number[]): Day[] {
  return amounts.map((amount, day) => ({ weekday: (day % 7) + 1, amount }))
}

function aheadOf(history: readonly unknown[], days: number): DayAhead[] {
  return Array.from({ length: days }, (_, day) => {
    return { weekday: ((history.length + day) % 7) + 1, share: 1 }
  })
}

function forecast(amounts: readonly number[], days = 30) {
  return forecastOf(daysOf(amounts), aheadOf(amounts, days))
}

function near(actual: number, expected: number, tolerance = 1e-9) {
  const off = Math.abs(actual - expected)
  assert.ok(off <= tolerance * Math.max(1, Math.abs(expected)), `${actual} is not ${expected}`)
}

const amounts = fc.array(
  fc.oneof(
    fc.constant(0),
    fc.integer({ min: 0, max: 1_000_000 }),
    fc.double({ min: 0, max: 1e6, noNaN: true }),
  ),
  { minLength: 1, maxLength: 84 },
)
const ahead = fc.array(
  fc.record({
    weekday: fc.integer({ min: 1, max: 7 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  { maxLength: 40 },
)

test('without a day there is no forecast, and with any there is one', () => {
  assert.equal(forecast([]), null)
  assert.equal(forecast([5])!.basis, 'average')
  assert.deepEqual(forecastOf(daysOf([5]), [])!.through, [])
})

test('whatever was used: finite, not below zero, growing, and the expected lies in the interval', () => {
  fc.assert(
    fc.property(amounts, ahead, (used, days) => {
      let before = { expected: 0, low: 0, high: 0 }
      for (const one of forecastOf(daysOf(used), days)!.through) {
        for (const name of ['low', 'expected', 'high'] as const) {
          assert.ok(Number.isFinite(one[name]), name)
          assert.ok(one[name] >= before[name], `${name} does not fall`)
        }
        assert.ok(one.low <= one.expected && one.expected <= one.high)
        before = one
      }
    }),
  )
})

test('ten times the use is ten times the forecast', () => {
  fc.assert(
    fc.property(amounts, fc.constantFrom(1e-3, 0.5, 3, 1_000), (used, times) => {
      const once = forecast(used)!.through.at(-1)!
      const more = forecast(used.map((amount) => amount * times))!.through.at(-1)!
      for (const name of ['low', 'expected', 'high'] as const) {
        near(more[name] / times, once[name], 1e-6)
      }
    }),
  )
})

test('the same every day goes on the same, without a doubt from two weeks on', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 14, max: 84 }),
      fc.integer({ min: 1, max: 1e6 }),
      (days, amount) => {
        const { expected, low, high } = forecast(Array<number>(days).fill(amount))!.through.at(-1)!
        near(expected, 30 * amount)
        assert.ok(high - low < 1e-6 * expected)
      },
    ),
  )
})

test('of a few days the average is told, and that it may be otherwise', () => {
  for (const days of [1, 2, 6, 13]) {
    const { basis, confidence, through } = forecast(Array<number>(days).fill(10))!
    assert.deepEqual([basis, confidence], ['average', 'low'])
    near(through.at(-1)!.expected, 300)
    assert.ok(through[0]!.low < 10 && through[0]!.high > 10)
  }
  const width = (days: number) => {
    const last = forecast(Array<number>(days).fill(10))!.through.at(-1)!
    return last.high - last.low
  }
  assert.ok(width(1) > width(3) && width(3) > width(10))
})

test('weeks that are alike go on alike, also where some weekdays have nothing', () => {
  const week = fc.array(fc.nat(1_000), { minLength: 7, maxLength: 7 })
  fc.assert(
    fc.property(week, fc.integer({ min: 14, max: 84 }), (pattern, days) => {
      const used = Array.from({ length: days }, (_, day) => pattern[day % 7]!)
      const { through } = forecast(used)!
      let sum = 0
      for (const [day, { expected, low, high }] of through.entries()) {
        sum += pattern[(days + day) % 7]!
        near(expected, sum, 1e-6)
        assert.ok(high - low <= 1e-3 + 1e-6 * sum)
      }
    }),
  )
})

test('steady growth is followed, a little less each day further ahead', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 28, max: 84 }),
      fc.double({ min: 0.01, max: 50, noNaN: true }),
      fc.integer({ min: 0, max: 1_000 }),
      (days, slope, start) => {
        const { basis, through } = forecast(
          Array.from({ length: days }, (_, x) => start + slope * (x + 1)),
        )!
        assert.equal(basis, 'trend_and_season')
        const last = start + slope * days
        near(through[0]!.expected, last + slope, 0.03 * slope)
        const dampened = through.at(-1)!.expected - 30 * last
        const straight = slope * 465
        assert.ok(dampened > 0.7 * straight && dampened <= straight, `${dampened} of ${straight}`)
      },
    ),
  )
})

test('steady decline is followed down to nothing and not below', () => {
  const { through } = forecast(Array.from({ length: 56 }, (_, day) => 112 - 2 * day))!
  assert.ok(through.at(-1)!.expected < 1)
})

test('one odd day turns no trend', () => {
  const flat = Array<number>(84).fill(100)
  const odd = forecast(flat.with(60, 5_000))!.through
  const dayOf = (day: number) => odd[day]!.expected - odd[day - 1]!.expected
  // Of the same weekday, four weeks apart.
  near(dayOf(28), dayOf(7), 1e-6)
})

test('no use at all goes on so', () => {
  const { through } = forecast(Array<number>(40).fill(0))!
  assert.deepEqual(through.at(-1), { expected: 0, low: 0, high: 0 })
})

test('part of a day is part of its forecast', () => {
  const used = daysOf(Array<number>(28).fill(24))
  const [half] = forecastOf(used, [{ weekday: 1, share: 0.5 }])!.through
  near(half!.expected, 12)
  const [nothing] = forecastOf(used, [{ weekday: 1, share: 0 }])!.through
  assert.deepEqual(nothing, { expected: 0, low: 0, high: 0 })
})

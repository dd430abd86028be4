import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isTimeZone, periodAt } from './periods.ts'

test('a subscription that begins on the 31st keeps to the last day of shorter months and comes back', () => {
  assert.deepEqual(startsFrom('2024-01-31T10:00:00Z', 'UTC', 6), [
    '2024-01-31T00:00:00Z',
    '2024-02-29T00:00:00Z',
    '2024-03-31T00:00:00Z',
    '2024-04-30T00:00:00Z',
    '2024-05-31T00:00:00Z',
    '2024-06-30T00:00:00Z',
  ])
})

test('a subscription that begins on a leap day comes back to it every fourth year', () => {
  const starts = startsFrom('2024-02-29T00:00:00Z', 'UTC', 49)
  assert.equal(starts[12], '2025-02-28T00:00:00Z')
  assert.equal(starts[13], '2025-03-29T00:00:00Z')
  assert.equal(starts[48], '2028-02-29T00:00:00Z')
})

test('the first period begins at midnight of the day on which the subscription began', () => {
  const at = ms('2026-03-10T15:45:12.345Z')
  assert.deepEqual(show(periodAt(at, 'UTC', at)), ['2026-03-10T00:00:00Z', '2026-04-10T00:00:00Z'])
})

test('that day is the local one', () => {
  const anchor = ms('2026-03-10T20:00:00Z')
  assert.deepEqual(show(periodAt(anchor, 'Asia/Tokyo', anchor)), [
    '2026-03-10T15:00:00Z',
    '2026-04-10T15:00:00Z',
  ])
  assert.deepEqual(show(periodAt(anchor, 'Asia/Kathmandu', anchor)), [
    '2026-03-10T18:15:00Z',
    '2026-04-10T18:15:00Z',
  ])
})

test('the end belongs to the next period, the moment before it to this one', () => {
  const anchor = ms('2026-01-15T00:00:00Z')
  const end = ms('2026-02-15T00:00:00Z')
  assert.equal(periodAt(anchor, 'UTC', end - 1).end, end)
  assert.equal(periodAt(anchor, 'UTC', end).start, end)
})

test('a time before the subscription has its period too', () => {
  const anchor = ms('2026-01-31T00:00:00Z')
  assert.deepEqual(show(periodAt(anchor, 'UTC', ms('2025-02-10T00:00:00Z'))), [
    '2025-01-31T00:00:00Z',
    '2025-02-28T00:00:00Z',
  ])
})

test('with summer time the boundary stays at local midnight', () => {
  assert.deepEqual(startsFrom('2026-03-15T12:00:00Z', 'Europe/Berlin', 9), [
    '2026-03-14T23:00:00Z',
    '2026-04-14T22:00:00Z',
    '2026-05-14T22:00:00Z',
    '2026-06-14T22:00:00Z',
    '2026-07-14T22:00:00Z',
    '2026-08-14T22:00:00Z',
    '2026-09-14T22:00:00Z',
    '2026-10-14T22:00:00Z',
    '2026-11-14T23:00:00Z',
  ])
})

test('where midnight does not exist the day begins with its first moment', () => {
  // In São Paulo clocks went from 23:59 on 3 November 2018 to 1:00.
  const starts = startsFrom('2018-10-04T12:00:00Z', 'America/Sao_Paulo', 3)
  assert.deepEqual(starts, ['2018-10-04T03:00:00Z', '2018-11-04T03:00:00Z', '2018-12-04T02:00:00Z'])
})

test('where midnight comes twice the day begins with the first', () => {
  // In Havana clocks went from 0:59 on 1 November 2026 back to 0:00.
  assert.equal(startsFrom('2026-10-01T12:00:00Z', 'America/Havana', 2)[1], '2026-11-01T04:00:00Z')
  // In St. John's they went from 0:01 on 7 November 2010 back to 23:01 of the day before.
  const [, start] = startsFrom('2010-10-07T12:00:00Z', 'America/St_Johns', 2)
  assert.equal(start, '2010-11-07T02:30:00Z')
  const anchor = ms('2010-10-07T12:00:00Z')
  const againTheDayBefore = ms('2010-11-07T03:00:00Z')
  assert.equal(periodAt(anchor, 'America/St_Johns', againTheDayBefore).start, ms(start!))
})

test('a day that a country left out is replaced by the next', () => {
  // Samoa crossed the date line and had no 30 December 2011.
  assert.deepEqual(startsFrom('2011-11-30T12:00:00Z', 'Pacific/Apia', 3), [
    '2011-11-30T10:00:00Z',
    '2011-12-30T10:00:00Z',
    '2012-01-29T10:00:00Z',
  ])
})

const ZONES = Intl.supportedValuesOf('timeZone')
const zones = fc.constantFrom(...ZONES)
const times = fc.integer({ min: ms('1996-01-01T00:00:00Z'), max: ms('2100-01-01T00:00:00Z') })

test('in every zone periods lie end to end, contain the time asked for, and are the same for any time inside', () => {
  fc.assert(
    fc.property(
      zones,
      times,
      times,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (zone, anchor, at, share) => {
        const period = periodAt(anchor, zone, at)
        assert.ok(period.start <= at && at < period.end)
        const inside = Math.floor(period.start + share * (period.end - 1 - period.start))
        assert.deepEqual(periodAt(anchor, zone, inside), period)
        assert.deepEqual(periodAt(anchor, zone, period.start), period)
        assert.equal(periodAt(anchor, zone, period.end).start, period.end)
        assert.equal(periodAt(anchor, zone, period.start - 1).end, period.start)
      },
    ),
    { numRuns: 500 },
  )
})

test('in every zone a period begins on the day of the month on which the subscription began, or on the last', () => {
  fc.assert(
    fc.property(zones, times, times, (zone, anchor, at) => {
      const { start } = periodAt(anchor, zone, at)
      const { year, month, day } = localDate(start, zone)
      const daysInMonth = new Date(Date.UTC(year, month, 0)).getUTCDate()
      const expected = Math.min(localDate(anchor, zone).day, daysInMonth)
      const leftOut = localDate(start - 1, zone).day === expected - 1 && day === expected + 1
      assert.ok(day === expected || leftOut, `${zone}: ${day} and not ${expected}`)
      assert.notEqual(localDate(start - 1, zone).day, day)
    }),
    { numRuns: 500 },
  )
})

test('a time zone is known by its name only', () => {
  for (const name of ['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', ...ZONES]) {
    assert.equal(isTimeZone(name), true, name)
  }
  const others = [
    '',
    ' ',
    'Europe/Nowhere',
    '+02:00',
    'Z',
    '2020-01-01T00:00[Europe/Berlin]',
    'UTC\0',
  ]
  for (const name of others) assert.equal(isTimeZone(name), false, name)
})

function ms(text: string): number {
  return Date.parse(text)
}

function show({ start, end }: { start: number; end: number }): string[] {
  return [start, end].map((at) => new Date(at).toISOString().replace('.000', ''))
}

function startsFrom(begin: string, timeZone: string, count: number): string[] {
  const anchor = ms(begin)
  const starts: string[] = []
  let period = periodAt(anchor, timeZone, anchor)
  while (starts.length < count) {
    starts.push(show(period)[0]!)
    period = periodAt(anchor, timeZone, period.end)
  }
  return starts
}

/** By Intl, so that the property does not ask the code under test. */
function localDate(at: number, timeZone: string): { year: number; month: number; day: number } {
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    calendar: 'iso8601',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
  })
  const parts = Object.fromEntries(
    format.formatToParts(at).map(({ type, value }) => [type, Number(value)]),
  )
  return { year: parts.year!, month: parts.month!, day: parts.day! }
}

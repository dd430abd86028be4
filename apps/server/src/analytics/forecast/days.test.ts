import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { dayAt } from '../calendar.ts'
import { daysAhead, wholeDaysBefore } from './days.ts'

const DAY_MS = 86_400_000
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Sao_Paulo',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Pacific/Kiritimati',
]
const zone = fc.constantFrom(...ZONES)
const moment = fc
  .integer({ min: Date.parse('2009-01-01'), max: Date.parse('2030-01-01') })
  .map((at) => Math.floor(at / 1_000) * 1_000)

test('what is ahead has no gap, and the shares are of days as long as they are', () => {
  fc.assert(
    fc.property(moment, fc.integer({ min: 1, max: 40 * DAY_MS }), zone, (now, ms, timeZone) => {
      const ahead = daysAhead(now, now + ms, timeZone)
      assert.deepEqual([ahead[0]!.from, ahead.at(-1)!.to], [now, now + ms])
      for (const [index, { from, to, share, date, weekday }] of ahead.entries()) {
        if (index > 0) assert.equal(from, ahead[index - 1]!.to)
        assert.ok(share > 0 && share <= 1)
        assert.equal(dayAt(from, timeZone).toString(), date)
        assert.equal(Temporal.PlainDate.from(date).dayOfWeek, weekday)
        if (index > 0 && to < now + ms) assert.equal(share, 1)
      }
    }),
  )
})

test('days before end where today begins, follow each other, and none of them is before what may be read', () => {
  fc.assert(
    fc.property(moment, fc.nat(100 * DAY_MS), zone, (now, back, timeZone) => {
      const since = now - back
      const { starts, dates } = wholeDaysBefore(now, { days: 84, since, timeZone })
      assert.equal(starts.length, dates.length + 1)
      assert.ok(dates.length <= 84)
      for (const [index, date] of dates.entries()) {
        assert.ok(starts[index]! >= since && starts[index]! < starts[index + 1]!)
        assert.equal(dayAt(starts[index]!, timeZone).toString(), date)
      }
      if (dates.length === 0) return
      assert.equal(dayAt(starts.at(-1)!, timeZone).toString(), dayAt(now, timeZone).toString())
    }),
  )
})

test('half of the day on which clocks go forward is ahead after eleven and a half hours', () => {
  const now = Date.parse('2025-03-29T23:00:00Z') + 11.5 * 3_600_000
  const [today, next] = daysAhead(now, now + DAY_MS, 'Europe/Berlin')
  assert.deepEqual([today!.date, today!.share, next!.date], ['2025-03-30', 0.5, '2025-03-31'])
  const back = Date.parse('2025-10-25T22:00:00Z') + 12.5 * 3_600_000
  assert.equal(daysAhead(back, back + DAY_MS, 'Europe/Berlin')[0]!.share, 0.5)
})

test('what begins in the middle of a day may be read from the next day on', () => {
  const now = Date.parse('2025-03-10T12:00:00Z')
  const since = Date.parse('2025-03-08T00:00:01Z')
  const of = (from: number) =>
    wholeDaysBefore(now, { days: 84, since: from, timeZone: 'UTC' }).dates
  assert.deepEqual(of(since), ['2025-03-09'])
  assert.deepEqual(of(since - 1_000), ['2025-03-08', '2025-03-09'])
  assert.deepEqual(of(now), [])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDate, formatDates, formatIsoDate } from './format-date.ts'

test('a day is the one that it is in the time zone of the period', () => {
  assert.equal(formatDate('2026-10-31T23:00:00.000Z', 'Europe/Berlin'), '1 Nov 2026')
  assert.equal(formatDate('2026-10-31T23:00:00.000Z', 'UTC'), '31 Oct 2026')
  assert.equal(formatDate('2026-01-01T04:59:59.000Z', 'America/New_York'), '31 Dec 2025')
  assert.equal(formatIsoDate('2026-09-01T00:00:00.000Z', 'Pacific/Kiritimati'), '2026-09-01')
})

test('a period ends with its last day, and one of a day is that day', () => {
  const [start, end] = ['2026-10-31T23:00:00.000Z', '2026-11-30T22:59:59.000Z']
  assert.equal(formatDates(start, end, 'Europe/Berlin'), '1 Nov 2026 – 30 Nov 2026')
  assert.equal(formatDates(end, end, 'Europe/Berlin'), '30 Nov 2026')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instantText } from './instant-text.ts'
import { wirePeriod, wireSecond } from './wire-period.ts'

test('a period is shown with its last second, as the PRD does', () => {
  const start = Date.parse('2025-01-01T00:00:00Z')
  const end = Date.parse('2025-02-01T00:00:00Z')
  assert.deepEqual(wirePeriod({ start, end }, 'UTC'), {
    start: '2025-01-01T00:00:00Z',
    end: '2025-01-31T23:59:59Z',
    timezone: 'UTC',
  })
  assert.equal(wireSecond(end), '2025-02-01T00:00:00Z')
})

test('instants are written in ISO 8601, also one after another that is the same or not', () => {
  for (const ms of [0, 0, 1, -1, 1, Date.parse('2026-02-28T23:59:59.999Z'), 0]) {
    assert.equal(instantText(ms), new Date(ms).toISOString())
  }
})

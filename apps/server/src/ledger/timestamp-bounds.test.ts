import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOW, PLAIN_CALL } from '../../test/ledger-accounts.ts'
import { timestampRefusal } from './timestamp-bounds.ts'

const DAY_MS = 86_400_000

test('a call may have happened from 400 days ago to a day ahead, to the millisecond', () => {
  const refusal = (kind: 'call' | 'report', occurredAt: number | null) =>
    timestampRefusal({ kind, call: { ...PLAIN_CALL, occurredAt } }, NOW)
  for (const kind of ['call', 'report'] as const) {
    for (const at of [null, NOW - 400 * DAY_MS, NOW, NOW + DAY_MS]) {
      assert.equal(refusal(kind, at), null)
    }
    for (const at of [NOW - 400 * DAY_MS - 1, NOW + DAY_MS + 1, Date.parse('0001-01-01T00:00Z')]) {
      assert.equal(refusal(kind, at), 'timestamp_out_of_bounds')
    }
  }
})

test('what is no call has no time of its own to be wrong', () => {
  assert.equal(timestampRefusal({ kind: 'lapse' }, NOW), null)
})

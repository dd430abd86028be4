import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idleKeys } from './idle-keys.ts'

const DAY_MS = 86_400_000
const NOW = Date.parse('2025-06-01T00:00:00Z')
const ago = (days: number) => NOW - days * DAY_MS

function idle(createdDaysAgo: number, usedDaysAgo: number | null, calledDaysAgo: number | null) {
  const key = {
    id: 'key_a',
    senderNo: 7,
    name: null,
    team: null,
    createdAt: ago(createdDaysAgo),
    lastUsedAt: usedDaysAgo === null ? null : ago(usedDaysAgo),
  }
  const calls = new Map(calledDaysAgo === null ? [] : [[7, ago(calledDaysAgo)]])
  return idleKeys([key], calls, NOW)[0]?.idle_days ?? null
}

test('a key is idle from the thirtieth day on', () => {
  assert.equal(idle(100, 29, null), null)
  assert.equal(idle(100, 30, null), 30)
})

test('a key that was never used has waited since it was made', () => {
  assert.equal(idle(29, null, null), null)
  assert.equal(idle(45, null, null), 45)
})

test('reading counts as use, and so does a call that was written down before the use was', () => {
  assert.equal(idle(100, 3, 60), null)
  assert.equal(idle(100, 60, 3), null)
  assert.equal(idle(100, null, 3), null)
})

test('what a call says of times before its key was made does not make the key idle', () => {
  assert.equal(idle(5, null, 40), null)
})

test('those that have waited longest come first, and no more than fifty', () => {
  const keys = Array.from({ length: 60 }, (_, no) => ({
    id: `key_${no}`,
    senderNo: no,
    name: null,
    team: null,
    createdAt: ago(40 + (no % 3)),
    lastUsedAt: null,
  }))
  const found = idleKeys(keys, new Map(), NOW)
  assert.equal(found.length, 50)
  assert.deepEqual(
    found.slice(0, 2).map(({ key_id }) => key_id),
    ['key_2', 'key_5'],
  )
})

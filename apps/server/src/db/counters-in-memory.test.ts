import assert from 'node:assert/strict'
import { test } from 'node:test'
import { handClock } from '../../test/hand-clock.ts'
import { COUNTERS_IN_MEMORY_MAX } from '../limits.ts'
import { CountersInMemory } from './counters-in-memory.ts'

test('counters are bounded, and those of strangers go before one that is counted still', async () => {
  const counters = new CountersInMemory(60, handClock(0))
  await counters.penalty('old')
  await counters.penalty('busy')
  for (let n = 0; n < COUNTERS_IN_MEMORY_MAX; n += 1) {
    await counters.penalty(`stranger ${n}`)
    if (n % 1_000 === 0) await counters.penalty('busy')
  }
  assert.equal(await counters.get('old'), null)
  assert.equal((await counters.get('busy'))!.consumedPoints, 1 + COUNTERS_IN_MEMORY_MAX / 1_000)
})

test('a window opens with the first and ends for all at once', async () => {
  const clock = handClock(0)
  const counters = new CountersInMemory(60, clock)
  await counters.penalty('a', 2)
  clock.advance(59_999)
  const { consumedPoints, msBeforeNext } = await counters.penalty('a', 3)
  assert.deepEqual([consumedPoints, msBeforeNext], [5, 1])
  clock.advance(1)
  assert.equal(await counters.get('a'), null)
  assert.equal((await counters.penalty('a')).consumedPoints, 1)
})

test('no count is below zero, whatever is given back', async () => {
  const counters = new CountersInMemory(60, handClock(0))
  await counters.reward('a', 10)
  assert.equal((await counters.penalty('a')).consumedPoints, 1)
})

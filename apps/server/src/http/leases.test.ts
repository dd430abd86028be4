import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { handClock } from '../../test/hand-clock.ts'
import { startRedis, type TestRedis, withoutRedis } from '../../test/redis-server.ts'
import { type Count, type Counters, openCounters } from '../db/counters.ts'
import { closeRedis, openRedis } from '../db/redis.ts'
import { systemClock } from '../lib/clock.ts'
import { HTTP_LEASES_MAX, HTTP_LEASES_PER_WINDOW, HTTP_WINDOW_SECONDS } from '../limits.ts'
import { Leases } from './leases.ts'

const noRedis = withoutRedis()
const redis: TestRedis | null = noRedis === false ? await startRedis() : null
after(() => redis?.stop())
const quiet = { info() {}, warn() {} }
const WINDOW_MS = HTTP_WINDOW_SECONDS * 1_000

function oneNode(limit: number) {
  const clock = handClock('2026-03-10T12:00:00Z')
  const counters = openCounters({
    redis: null,
    clock,
    name: 'x',
    windowSeconds: HTTP_WINDOW_SECONDS,
  })
  return { clock, counters, leases: new Leases({ counters, clock, limit }) }
}

async function takeAll(leases: Leases, id: string, times: number): Promise<number> {
  const all = await Promise.all(Array.from({ length: times }, () => leases.take(id)))
  return all.filter((window) => window !== null).length
}

test('one node alone lets exactly the limit pass in a window, whatever it is, in parallel or one by one', async () => {
  for (const limit of [1, 2, 5, 99, 100, 101, 250, 12_345]) {
    const { clock, leases } = oneNode(limit)
    assert.equal(await takeAll(leases, 'a', limit + 50), limit)
    assert.equal(leases.spend('a'), 'refused')
    clock.advance(WINDOW_MS - 1)
    assert.equal(await takeAll(leases, 'a', 50), 0)
    clock.advance(1)
    let passed = 0
    for (let n = 0; n < limit + 50; n += 1) passed += (await leases.take('a')) === null ? 0 : 1
    assert.equal(passed, limit, 'and again in the next')
  }
})

test('what is spent without a promise and what is waited for are counted together', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 500 }),
      fc.array(fc.boolean()),
      async (limit, ways) => {
        const { leases } = oneNode(limit)
        let passed = 0
        for (let n = 0; n < limit + 20; n += 1) {
          const waits = ways.length === 0 || ways[n % ways.length]
          const spent = waits ? 'unknown' : leases.spend('a')
          if (spent === 'spent') passed += 1
          else if (spent === 'unknown') passed += (await leases.take('a')) === null ? 0 : 1
        }
        assert.equal(passed, limit)
      },
    ),
    { numRuns: 50 },
  )
})

test('keys have limits of their own', async () => {
  const { leases } = oneNode(10)
  assert.equal(await takeAll(leases, 'a', 20), 10)
  assert.equal(await takeAll(leases, 'b', 20), 10)
})

test('a point that is given back can be taken once more, but not in another window', async () => {
  const { clock, leases } = oneNode(3)
  const window = await leases.take('a')
  assert.equal(await takeAll(leases, 'a', 5), 2)
  leases.giveBack('a', window!)
  assert.equal(await takeAll(leases, 'a', 5), 1)
  clock.advance(WINDOW_MS)
  assert.equal(await takeAll(leases, 'a', 1), 1)
  leases.giveBack('a', window!)
  assert.equal(await takeAll(leases, 'a', 5), 2)
})

test('what is told of a limit goes down to nothing, and is whole in the next window', async () => {
  const { clock, leases } = oneNode(500)
  assert.deepEqual(leases.standing('a'), { limit: 500, remaining: 500, secondsLeft: 60 })
  for (let left = 499; left >= 0; left -= 1) {
    await leases.take('a')
    assert.equal(leases.standing('a').remaining, left)
  }
  clock.advance(30_001)
  assert.deepEqual(leases.standing('a'), { limit: 500, remaining: 0, secondsLeft: 30 })
  clock.advance(30_000)
  assert.equal(leases.standing('a').remaining, 500)
})

test('a hundred requests of a busy key ask the counters about once', async () => {
  const { counters, clock } = oneNode(1)
  let asked = 0
  const counting: Counters = {
    ...counters,
    add(key, points): Promise<Count> {
      asked += 1
      return counters.add(key, points)
    },
  }
  const leases = new Leases({ counters: counting, clock, limit: 100_000 })
  for (let n = 0; n < 50_000; n += 1) {
    if (leases.spend('a') === 'unknown') await leases.take('a')
    // As between requests: what was asked for can arrive.
    else if (n % 10 === 0) await Promise.resolve()
  }
  assert.ok(asked <= HTTP_LEASES_PER_WINDOW, `${asked} times`)
})

test('leases are bounded, and a key whose lease was forgotten gets no more for it', async () => {
  const { leases } = oneNode(2)
  assert.equal(await takeAll(leases, 'a', 5), 2)
  for (let n = 0; n < HTTP_LEASES_MAX; n += 1) await leases.take(`stranger ${n}`)
  assert.equal(await takeAll(leases, 'a', 5), 0)
})

test('more keys at once than there are leases are all answered', async () => {
  const { leases } = oneNode(2)
  const ids = Array.from({ length: HTTP_LEASES_MAX + 5_000 }, (_, n) => `key ${n}`)
  const windows = await Promise.all(ids.map((id) => leases.take(id)))
  assert.ok(windows.filter((window) => window !== null).length >= HTTP_LEASES_MAX)
})

test('a lease whose counters fail says so, and goes on when they are back', async () => {
  const { counters, clock } = oneNode(1)
  let isBroken = true
  const failing: Counters = {
    ...counters,
    add: (key, points) =>
      isBroken ? Promise.reject(new Error('broken')) : counters.add(key, points),
  }
  const leases = new Leases({ counters: failing, clock, limit: 5 })
  await assert.rejects(() => leases.take('a'), /broken/)
  isBroken = false
  assert.equal(await takeAll(leases, 'a', 10), 5)
})

test('two nodes on one Redis let no more than the limit pass, and nearly all of it', {
  skip: noRedis,
}, async (t) => {
  const connections = [
    await openRedis(redis!.settings, quiet),
    await openRedis(redis!.settings, quiet),
  ]
  t.after(() => connections.forEach(closeRedis))
  for (const limit of [7, 1_000]) {
    const nodes = connections.map((connection) => {
      const clock = systemClock
      const counters = openCounters({
        redis: connection,
        clock,
        name: `two${limit}`,
        windowSeconds: HTTP_WINDOW_SECONDS,
      })
      return new Leases({ counters, clock, limit })
    })
    const passed = await Promise.all(nodes.map((leases) => takeAll(leases, 'a', limit)))
    const total = passed[0]! + passed[1]!
    assert.ok(total <= limit, `${passed} of ${limit}`)
    const held = 1.5 * Math.max(1, limit / HTTP_LEASES_PER_WINDOW) * nodes.length
    assert.ok(total >= limit - held, `${passed} of ${limit}`)
  }
})

test('Redis goes in the middle: requests go on, by this node alone', {
  skip: noRedis,
}, async (t) => {
  const connection = await openRedis(redis!.settings, quiet)
  t.after(() => closeRedis(connection))
  const clock = systemClock
  const counters = openCounters({
    redis: connection,
    clock,
    name: 'gone',
    windowSeconds: HTTP_WINDOW_SECONDS,
  })
  const leases = new Leases({ counters, clock, limit: 100 })
  assert.equal(await takeAll(leases, 'a', 60), 60)
  await redis!.kill()
  const passed = await takeAll(leases, 'a', 300)
  assert.ok(passed >= 40 && passed <= 140, `${passed}`)
  await redis!.start()
})

import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import type { Redis } from 'ioredis'
import { until } from '../../test/embedded.ts'
import { handClock } from '../../test/hand-clock.ts'
import { startRedis, type TestRedis, withoutRedis } from '../../test/redis-server.ts'
import { closeRedis, openRedis } from '../db/redis.ts'
import { systemClock } from '../lib/clock.ts'
import { ProblemError } from '../lib/problem-error.ts'
import {
  LOCKOUT_ADDRESS_FAILURES_MAX,
  LOCKOUT_FAILURES_MAX,
  LOCKOUT_SECONDS,
  LOCKOUT_WINDOW_SECONDS,
  REDIS_TIMEOUT_MS,
} from '../limits.ts'
import { type Lockout, openLockout } from './lockout.ts'

const ADDRESS = '203.0.113.7'
const MINUTE = 60_000
const noRedis = withoutRedis()
const redis: TestRedis | null = noRedis === false ? await startRedis() : null
after(() => redis?.stop())

let emails = 0
function newEmail(): string {
  emails += 1
  return `person${emails}@example.com`
}

function inMemory() {
  const clock = handClock('2026-03-10T12:00:00Z')
  return { clock, lockout: openLockout({ redis: null, clock }) }
}

/** A node's own connection, and what it says of it. */
async function onRedis(
  t: TestContext,
  timeoutMs?: number,
): Promise<{ lockout: Lockout; connection: Redis; said: string[] }> {
  const said: string[] = []
  const log = { info: (_: object, text: string) => void said.push(text) }
  const { settings } = redis!
  const connection = await openRedis(
    { ...settings, timeoutMs: timeoutMs ?? settings.timeoutMs },
    { ...log, warn: log.info },
  )
  t.after(() => closeRedis(connection))
  return { lockout: openLockout({ redis: connection, clock: systemClock }), connection, said }
}

/** Seconds to wait; 0: the password may be looked at. */
async function tried(lockout: Lockout, email: string, address = ADDRESS): Promise<number> {
  try {
    await lockout.tryLogin(email, address)
    return 0
  } catch (error) {
    assert.ok(error instanceof ProblemError && error.code === 'locked', String(error))
    return error.retryAfterSeconds!
  }
}

async function fail(lockout: Lockout, email: string, times: number, address?: string) {
  for (let n = 0; n < times; n += 1) {
    assert.equal(await tried(lockout, email, address), 0, `try ${n + 1} of ${times}`)
    await lockout.failed(email, address ?? ADDRESS)
  }
}

test('five failures lock an account for 15 minutes from the fifth, and tries do not prolong it', async () => {
  const { clock, lockout } = inMemory()
  const email = newEmail()
  await fail(lockout, email, 4)
  clock.advance(10 * MINUTE)
  await fail(lockout, email, 1)
  assert.equal(await tried(lockout, email), LOCKOUT_SECONDS)
  clock.advance(14 * MINUTE)
  for (let n = 0; n < 100; n += 1) assert.equal(await tried(lockout, email), 60)
  clock.advance(MINUTE)
  await fail(lockout, email, 5)
  assert.equal(await tried(lockout, email), LOCKOUT_SECONDS)
})

test('failures of more than 15 minutes ago do not count, and others have nothing to do with it', async () => {
  const { clock, lockout } = inMemory()
  const [email, other] = [newEmail(), newEmail()]
  await fail(lockout, email, 4)
  clock.advance(LOCKOUT_WINDOW_SECONDS * 1_000)
  await fail(lockout, email, 5)
  assert.ok((await tried(lockout, email)) > 0)
  assert.equal(await tried(lockout, other), 0)
})

test('a right password forgets the wrong ones before it', async () => {
  const { lockout } = inMemory()
  const email = newEmail()
  for (let round = 0; round < 20; round += 1) {
    await fail(lockout, email, 2)
    assert.equal(await tried(lockout, email), 0)
    await lockout.succeeded(email, ADDRESS)
  }
})

test('tries that came to nothing lock nobody, and take nothing from the failures before', async () => {
  const { lockout } = inMemory()
  const email = newEmail()
  await fail(lockout, email, 4)
  for (let n = 0; n < 100; n += 1) {
    assert.equal(await tried(lockout, email), 0)
    await lockout.cameToNothing(email, ADDRESS)
  }
  await fail(lockout, email, 1)
  assert.ok((await tried(lockout, email)) > 0)
  for (let n = 0; n < LOCKOUT_ADDRESS_FAILURES_MAX - 5; n += 1) await fail(lockout, newEmail(), 1)
  assert.ok((await tried(lockout, newEmail())) > 0)
})

test('of parallel tries that come to nothing none is left counted, those that were refused included', async () => {
  const { lockout } = inMemory()
  const email = newEmail()
  const all = await Promise.all(Array.from({ length: 50 }, () => tried(lockout, email)))
  for (const seconds of all) if (seconds === 0) await lockout.cameToNothing(email, ADDRESS)
  await fail(lockout, email, LOCKOUT_FAILURES_MAX)
  assert.equal(await tried(lockout, email), LOCKOUT_SECONDS)
})

test('a lock holds against tries that come while it closes', async () => {
  const { lockout } = inMemory()
  const email = newEmail()
  await fail(lockout, email, LOCKOUT_FAILURES_MAX - 1)
  assert.equal(await tried(lockout, email), 0)
  const refused = Array.from({ length: 50 }, () => tried(lockout, email))
  await lockout.failed(email, ADDRESS)
  for (const seconds of await Promise.all(refused)) assert.ok(seconds > 0)
  for (let n = 0; n < 100; n += 1) assert.ok((await tried(lockout, email)) > 0)
})

test('an account is one however its address is written', async () => {
  const { lockout } = inMemory()
  await fail(lockout, 'Ada@Example.com', 3)
  await fail(lockout, 'ada@example.COM', 2)
  assert.ok((await tried(lockout, 'ada@example.com')) > 0)
})

test('an address that guesses at many accounts is locked, and its own account does not open it again', async () => {
  const { clock, lockout } = inMemory()
  const own = newEmail()
  for (let n = 0; n < LOCKOUT_ADDRESS_FAILURES_MAX; n += 1) {
    await fail(lockout, newEmail(), 1)
    if (n % 10 > 0) continue
    assert.equal(await tried(lockout, own), 0)
    await lockout.succeeded(own, ADDRESS)
  }
  assert.equal(await tried(lockout, newEmail()), LOCKOUT_SECONDS)
  assert.equal(await tried(lockout, own), LOCKOUT_SECONDS)
  assert.equal(await tried(lockout, own, '203.0.113.8'), 0)
  clock.advance(LOCKOUT_SECONDS * 1_000)
  assert.equal(await tried(lockout, own), 0)
})

test('from a locked address nobody can lock the accounts of others', async () => {
  const { lockout } = inMemory()
  for (let n = 0; n < LOCKOUT_ADDRESS_FAILURES_MAX; n += 1) await fail(lockout, newEmail(), 1)
  const victim = newEmail()
  for (let n = 0; n < 20; n += 1) assert.ok((await tried(lockout, victim)) > 0)
  assert.equal(await tried(lockout, victim, '203.0.113.8'), 0)
})

test('tries at a locked account do not lock the office that shares the address', async () => {
  const { lockout } = inMemory()
  const email = newEmail()
  await fail(lockout, email, 5)
  for (let n = 0; n < 200; n += 1) assert.ok((await tried(lockout, email)) > 0)
  assert.equal(await tried(lockout, newEmail()), 0)
})

test('all addresses of an IPv6 network are one', async () => {
  const { lockout } = inMemory()
  for (let n = 0; n < LOCKOUT_ADDRESS_FAILURES_MAX; n += 1) {
    await fail(lockout, newEmail(), 1, `2001:db8:1:2::${n.toString(16)}`)
  }
  assert.ok((await tried(lockout, newEmail(), '2001:db8:1:2:ffff::1')) > 0)
  assert.equal(await tried(lockout, newEmail(), '2001:db8:1:3::1'), 0)
})

test('an administrator opens what is locked', async () => {
  const { lockout } = inMemory()
  const [one, two] = [newEmail(), newEmail()]
  await fail(lockout, one, 5)
  await fail(lockout, two, 5)
  await lockout.unlock([one.toUpperCase(), two])
  assert.equal(await tried(lockout, one), 0)
  assert.equal(await tried(lockout, two), 0)
  await lockout.unlock([])
})

test('of 1,000 parallel tries five passwords are looked at', async () => {
  const { lockout } = inMemory()
  const email = newEmail()
  const all = Array.from({ length: 1_000 }, (_, n) =>
    tried(lockout, email, `198.51.100.${n % 250}`),
  )
  const passed = (await Promise.all(all)).filter((seconds) => seconds === 0)
  assert.equal(passed.length, LOCKOUT_FAILURES_MAX)
})

test('of 1,000 parallel tries on two nodes with one Redis five passwords are looked at', {
  skip: noRedis,
}, async (t) => {
  const nodes = [await onRedis(t), await onRedis(t)]
  const email = newEmail()
  const all = Array.from({ length: 1_000 }, (_, n) =>
    tried(nodes[n % 2]!.lockout, email, `198.51.100.${n % 250}`),
  )
  const passed = (await Promise.all(all)).filter((seconds) => seconds === 0)
  assert.equal(passed.length, LOCKOUT_FAILURES_MAX)
  await nodes[0]!.lockout.failed(email, ADDRESS)
  for (const { lockout } of nodes) {
    const seconds = await tried(lockout, email)
    assert.ok(seconds > LOCKOUT_SECONDS - 10 && seconds <= LOCKOUT_SECONDS, `${seconds}`)
  }
  await nodes[1]!.lockout.unlock([email])
  assert.equal(await tried(nodes[0]!.lockout, email), 0)
})

test('in Redis a lock ends by itself, is not prolonged, and no e-mail address stands there', {
  skip: noRedis,
}, async (t) => {
  const { lockout } = await onRedis(t)
  const email = newEmail()
  await fail(lockout, email, 5, '192.0.2.1')
  const keys = await redis!.client.keys('*')
  assert.ok(keys.length > 0 && keys.every((key) => key.startsWith('tollgate:login:')), `${keys}`)
  assert.ok(!keys.some((key) => key.includes('person')))
  for (const key of keys) assert.ok((await redis!.client.ttl(key)) > 0, `${key} never ends`)
  for (const key of keys) await redis!.client.pexpire(key, 5_000)
  for (let n = 0; n < 10; n += 1) assert.ok((await tried(lockout, email)) <= 5)
  for (const key of keys) await redis!.client.pexpire(key, 1)
  await until('the lock to end', async () => (await tried(lockout, email)) === 0)
})

test('what is given back in Redis after the window has ended is not a try more', {
  skip: noRedis,
}, async (t) => {
  const { lockout } = await onRedis(t)
  const address = '192.0.2.77'
  for (let n = 0; n < 10; n += 1) await lockout.succeeded(newEmail(), address)
  for (let n = 0; n < LOCKOUT_ADDRESS_FAILURES_MAX; n += 1)
    await fail(lockout, newEmail(), 1, address)
  assert.ok((await tried(lockout, newEmail(), address)) > 0)
})

test('Redis is killed and comes back: sign-ins go on, still locked after five, with one line for each', {
  skip: noRedis,
}, async (t) => {
  const { lockout, said } = await onRedis(t)
  const email = newEmail()
  await fail(lockout, email, 3)
  await redis!.kill()
  const guesses = Array.from({ length: 200 }, () => tried(lockout, newEmail(), '192.0.2.2'))
  await Promise.all(guesses)
  await until('the connection to be gone', async () => said.length > 0)
  await fail(lockout, email, 5)
  assert.ok((await tried(lockout, email)) > 0, 'memory counts from nothing, and locks')
  assert.equal(said.length, 1, `${said}`)
  await redis!.start()
  await until('the connection to be back', async () => said.length > 1)
  assert.equal(await tried(lockout, email), 0, 'Redis was emptied')
  assert.match(said[0]!, /Redis is gone/)
  assert.match(said[1]!, /Redis is back/)
})

test('a Redis that holds the connection and says nothing costs one wait, and then none', {
  skip: noRedis,
}, async (t) => {
  const { lockout, connection, said } = await onRedis(t, REDIS_TIMEOUT_MS)
  redis!.pause()
  const first = performance.now()
  const guesses = Array.from({ length: 100 }, (_, n) => tried(lockout, newEmail(), `192.0.2.${n}`))
  await Promise.all(guesses)
  const waited = performance.now() - first
  assert.ok(waited < (guesses.length * REDIS_TIMEOUT_MS) / 2, `${waited} ms`)
  await until('it to count as gone', async () => connection.status !== 'ready')
  const second = performance.now()
  for (const _ of guesses) await tried(lockout, newEmail())
  assert.ok(performance.now() - second < (guesses.length * REDIS_TIMEOUT_MS) / 2)
  redis!.resume()
  await until('the connection to be back', async () => said.length > 1)
})

test('a node starts without its Redis, and takes it when it comes', {
  skip: noRedis,
}, async (t) => {
  await redis!.kill()
  const { lockout, said } = await onRedis(t)
  const email = newEmail()
  await fail(lockout, email, 5)
  assert.ok((await tried(lockout, email)) > 0)
  await redis!.start()
  await until('the connection', async () => said.length > 1)
  await fail(lockout, email, 5)
  assert.ok((await redis!.client.keys('tollgate:login:account:*')).length > 0)
})

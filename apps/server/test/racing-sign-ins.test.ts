import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOCKOUT_SECONDS } from '../src/limits.ts'
import { inParallel } from './api-parallel.ts'
import { send } from './api-request.ts'
import { testDatabase } from './database.ts'
import { nodeOn, type Reply } from './node.ts'
import { newPerson, PASSWORD } from './people.ts'
import { startRedis, withoutRedis } from './redis-server.ts'

const TRIES = 1_000
const PARALLEL = 200

test('of 1,000 parallel wrong sign-ins on two nodes five are tried; then the account is locked on both, for the right password too', {
  skip: withoutRedis(),
}, async (t) => {
  const redis = await startRedis()
  const database = await testDatabase()
  const options = { redis: redis.settings, trustedProxies: ['127.0.0.0/8'] }
  const nodes = [await nodeOn(database, options), await nodeOn(database, options)]
  t.after(async () => {
    for (const node of nodes) await node.stop()
    await redis.stop()
    await database.drop()
  })
  const { email } = await newPerson(nodes[0]!)
  // From many addresses, so that the limit of the account alone is what holds.
  const logIn = (index: number, password: string): Promise<Reply> =>
    send(nodes[index % 2]!.url, null, {
      method: 'POST',
      path: '/auth/login',
      headers: { 'x-forwarded-for': `198.51.${100 + (index % 100)}.${index % 250}` },
      body: { email, password },
    })
  const statuses = new Map<number, number>()
  await inParallel(Array.from({ length: TRIES }), PARALLEL, async (_, index) => {
    const { status } = await logIn(index, `wrong-${index}`)
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
  })
  assert.deepEqual([...statuses].sort(), [
    [401, 5],
    [423, TRIES - 5],
  ])
  for (const index of [0, 1]) {
    const { status, headers, body } = await logIn(index, PASSWORD)
    assert.deepEqual([status, body.code], [423, 'locked'])
    const seconds = Number(headers.get('retry-after'))
    assert.ok(seconds > LOCKOUT_SECONDS - 60 && seconds <= LOCKOUT_SECONDS, `${seconds}`)
  }
})

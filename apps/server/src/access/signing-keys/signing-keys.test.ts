import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { testDatabase } from '../../../test/database.ts'
import { handClock } from '../../../test/hand-clock.ts'
import { createPool } from '../../db/pool.ts'
import type { Actor } from '../../lib/caller.ts'
import { ACCESS_TOKEN_SECONDS, SIGNING_KEY_CACHE_SECONDS } from '../../limits.ts'
import { AccessTokens } from '../sign-in/access-tokens.ts'

const NOON = Date.parse('2026-03-10T12:00:00Z')
const clock = handClock(NOON)
const database = await testDatabase()
const pool = createPool(database.url, () => {})
after(async () => {
  await pool.end()
  await database.drop()
})
beforeEach(async () => {
  clock.set(NOON)
  await pool.query('DELETE FROM signing_key')
})

const actor: Actor = { kind: 'operator_key', id: 'key_1', address: null, requestId: null }
const who = { memberId: 'mem_1', tenantId: 'ten_1', role: 'owner', sessionId: 'ses_1' }
const newNode = () => new AccessTokens({ pool, clock })
const keyOf = (token: string) => decodeProtectedHeader(token).kid
const storedKeys = async () => (await pool.query('SELECT * FROM signing_key')).rows

test('nodes that need a key at the same time make one, and know what the others sign', async () => {
  const nodes = Array.from({ length: 6 }, newNode)
  const signed = await Promise.all(nodes.map((node) => node.sign(who)))
  assert.equal(new Set(signed.map(keyOf)).size, 1)
  assert.equal((await storedKeys()).length, 1)
  for (const [index, node] of nodes.entries()) {
    assert.ok(await node.verify(signed[(index + 1) % nodes.length]!))
  }
})

test('after a rotation another key signs, and what was signed before stays good until it expires', async () => {
  const node = newNode()
  const before = await node.sign(who)
  const { keyId } = await node.keys.rotate(actor)
  const after = await node.sign(who)
  assert.equal(keyOf(after), keyId)
  assert.notEqual(keyOf(before), keyId)
  clock.advance(ACCESS_TOKEN_SECONDS * 1_000 - 1)
  for (const token of [before, after]) {
    assert.ok(await node.verify(token))
    assert.ok(await newNode().verify(token), 'a node that started since')
  }
})

test('another node signs with the new key within the documented time, and its last old ones stay good', async () => {
  const [node, other] = [newNode(), newNode()]
  await node.sign(who)
  await other.sign(who)
  const { keyId } = await node.keys.rotate(actor)
  clock.advance(SIGNING_KEY_CACHE_SECONDS * 1_000 - 1)
  const last = await other.sign(who)
  assert.notEqual(keyOf(last), keyId)
  clock.advance(1)
  assert.equal(keyOf(await other.sign(who)), keyId)
  clock.set(decodeJwt(last).exp! * 1_000 - 1)
  await node.keys.deleteOld()
  for (const any of [node, other, newNode()]) assert.ok(await any.verify(last))
})

test('what another node signs with a key that is new is known at once', async () => {
  const [node, other] = [newNode(), newNode()]
  await other.verify(await node.sign(who))
  clock.advance(1_000)
  await node.keys.rotate(actor)
  assert.ok(await other.verify(await node.sign(who)))
})

test('tokens that name keys which nobody has ask the database once a second, not each time', async () => {
  const node = newNode()
  const [head, payload, signature] = (await node.sign(who)).split('.') as [string, string, string]
  const { kid, ...rest } = JSON.parse(Buffer.from(head, 'base64url').toString())
  assert.ok(kid)
  let asked = 0
  const counting = new AccessTokens({
    pool: new Proxy(pool, {
      get(target, name) {
        if (name === 'query') asked += 1
        const value = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    }),
    clock,
  })
  const flood = () =>
    Promise.all(
      Array.from({ length: 200 }, (_, index) => {
        const forged = Buffer.from(JSON.stringify({ ...rest, kid: `sig_${index}` }))
        return counting.verify(`${forged.toString('base64url')}.${payload}.${signature}`)
      }),
    )
  for (const refused of await flood()) assert.equal(refused, null)
  assert.equal(asked, 1)
  clock.advance(1_000)
  await flood()
  assert.equal(asked, 2)
})

test('rotations at the same time follow each other: one key signs in the end, and all are known', async () => {
  const nodes = Array.from({ length: 4 }, newNode)
  await nodes[0]!.sign(who)
  const rotated = await Promise.all(nodes.map((node) => node.keys.rotate(actor)))
  assert.equal(new Set(rotated.map(({ keyId }) => keyId)).size, 4)
  const rows = await storedKeys()
  assert.equal(rows.length, 5)
  assert.equal(rows.filter(({ retired_at }) => retired_at === null).length, 1)
  const { rows: told } = await pool.query(
    "SELECT object_id, actor_id FROM audit WHERE action = 'signing_key.rotated' AND tenant_no = 0",
  )
  for (const { keyId } of rotated) {
    assert.ok(told.some(({ object_id, actor_id }) => object_id === keyId && actor_id === 'key_1'))
  }
})

test('others can verify with what is published, which holds nothing private', async () => {
  const node = newNode()
  const before = await node.sign(who)
  await node.keys.rotate(actor)
  const after = await node.sign(who)
  const keys = await node.keys.published()
  assert.equal(keys.length, 2)
  for (const key of keys) {
    assert.deepEqual(Object.keys(key).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x'])
  }
  const set = createLocalJWKSet({ keys })
  for (const token of [before, after]) {
    const { payload } = await jwtVerify(token, set, { currentDate: new Date(clock.now()) })
    assert.equal(payload.sub, 'mem_1')
  }
})

test('a retired key is forgotten when nothing that it signed can be good any more', async () => {
  const node = newNode()
  await node.sign(who)
  await node.keys.rotate(actor)
  clock.advance((ACCESS_TOKEN_SECONDS + SIGNING_KEY_CACHE_SECONDS) * 1_000)
  assert.equal((await node.keys.published()).length, 1)
  assert.equal((await storedKeys()).length, 2)
  clock.advance(1)
  await node.keys.deleteOld()
  assert.equal((await storedKeys()).length, 1)
})

test('a clock that was put back does not keep a node from new keys', async () => {
  const [node, other] = [newNode(), newNode()]
  await other.verify(await node.sign(who))
  clock.advance(-3_600_000)
  await node.keys.rotate(actor)
  assert.ok(await other.verify(await node.sign(who)))
})

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { testDatabase } from '../../../test/database.ts'
import { readEvents } from '../../../test/event-stream.ts'
import { signedIn } from '../../../test/members.ts'
import { expectStatus, handClock, nodeOn } from '../../../test/node.ts'
import { sendCalls } from '../../../test/usage-example.ts'
import { KEY_CACHE_SECONDS } from '../../limits.ts'

const database = await testDatabase()
after(() => database.drop())
// What the second node remembers of callers grows old by this clock alone.
const cacheClock = handClock(1_000)
const first = await nodeOn(database)
after(() => first.stop())
const second = await nodeOn(database, { cacheClock })
after(() => second.stop())
const service = await first.service('s')

test('what is revoked on one node ends its streams on another as soon as that must refuse it', async (t) => {
  const { id, key } = await first.tenant()
  const owner = await signedIn(first, 'owner', id)
  const member = await signedIn(first, 'developer', id)
  const { member_id } = expectStatus(await first.call('GET', '/auth/me', member.accessToken), 200)
    .body.member
  const bearers = [key, member.accessToken]
  const readers = await Promise.all(bearers.map((bearer) => readEvents(t, second.url, bearer)))
  const stays = await readEvents(t, second.url, owner.accessToken)

  const { data } = expectStatus(await first.admin('GET', `/api/admin/tenants/${id}/keys`), 200).body
  const remove = (path: string) => first.call('DELETE', path, owner.accessToken)
  expectStatus(await remove(`/api/keys/${data[0].key_id}`), 204)
  expectStatus(await remove(`/api/members/${member_id}`), 204)
  for (const bearer of bearers) {
    expectStatus(await first.call('GET', '/api/entries', bearer), 401)
    expectStatus(await second.call('GET', '/api/entries', bearer), 200)
  }
  // Nothing is lost as long as they may.
  await sendCalls(first, service.key, id, [{}, {}])
  for (const reader of readers) await reader.until(() => reader.events.length === 2)

  cacheClock.advance(KEY_CACHE_SECONDS * 1_000)
  for (const reader of readers) {
    await reader.ended
    const { event, id: noPlace, data } = reader.events.at(-1)!
    assert.deepEqual([event, noPlace, data.reason], ['dropped', null, 'unauthorized'])
  }
  await sendCalls(first, service.key, id, [{}])
  await stays.until(() => stays.events.length === 3)
  for (const { events } of readers) assert.equal(events.length, 3, 'no line more')
  for (const bearer of bearers) {
    expectStatus(await second.call('GET', '/api/entries', bearer), 401)
    expectStatus(await second.call('GET', '/api/usage/stream', bearer), 401)
  }
})

test('a key with which nothing happens but its stream is looked at as well', async (t) => {
  const { id, key } = await first.tenant()
  const owner = await signedIn(first, 'owner', id)
  const reader = await readEvents(t, second.url, key)
  // Asked again each time it is old, it stays as long as the key does.
  for (let round = 0; round < 2; round += 1) {
    cacheClock.advance(KEY_CACHE_SECONDS * 1_000)
    await sendCalls(first, service.key, id, [{}])
    await reader.until(() => reader.events.length === round + 1)
  }
  const { data } = expectStatus(await first.admin('GET', `/api/admin/tenants/${id}/keys`), 200).body
  const path = `/api/keys/${data[0].key_id}`
  expectStatus(await first.call('DELETE', path, owner.accessToken), 204)
  cacheClock.advance(KEY_CACHE_SECONDS * 1_000)
  await reader.ended
  assert.equal(reader.events.at(-1)!.data.reason, 'unauthorized')
})

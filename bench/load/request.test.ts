import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TrackRequests } from './plan.ts'
import { requestSource } from './request.ts'

const TENANTS = ['a', 'b', 'c'].map((name) => ({
  id: `tenant-${name}`,
  authorization: `Bearer key-${name}`,
}))
const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

type Event = { idempotency_key: string; tenant_id: string }

test('every event has a key of its own, a UUID of version 7, in the order of time', () => {
  const source = requestSource(plan({ eventsPerRequest: 1_000 }), 'host', 0)
  const keys = Array.from({ length: 20 }, () => bodyOf<Event[]>(source.next()))
    .flat()
    .map((event) => event.idempotency_key)
  assert.equal(new Set(keys).size, 20_000)
  for (const key of keys) assert.match(key, UUID_7)
  const times = keys.map((key) => Number.parseInt(key.slice(0, 8) + key.slice(9, 13), 16))
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
  )
  assert.ok(Math.abs(times[0]! - Date.now()) < 10_000)
})

test('the bytes are one well-formed request, with the length that its head says', () => {
  for (const shape of ['small', 'full'] as const) {
    const source = requestSource(plan({ eventsPerRequest: 1, shape }), 'localhost:3000', 7)
    const [head, body] = source.next().toString('latin1').split('\r\n\r\n')
    assert.match(head!, /^POST \/api\/track HTTP\/1.1\r\nHost: localhost:3000\r\n/)
    assert.match(head!, new RegExp(`\r\nContent-Length: ${body!.length}$`))
    assert.match(JSON.parse(body!).idempotency_key, UUID_7)
  }
})

test('events are spread over all tenants, each with its own key where keys differ', () => {
  const source = requestSource(plan({ eventsPerRequest: 1 }), 'host', 0)
  const seen = new Set<string>()
  for (let i = 0; i < 200; i++) {
    const request = source.next()
    const name = bodyOf<Event>(request).tenant_id.at(-1)!
    assert.match(request.toString('latin1'), new RegExp(`Bearer key-${name}\r\n`))
    seen.add(name)
  }
  assert.deepEqual([...seen].sort(), ['a', 'b', 'c'])
})

test('a batch carries one tenant or many, as asked', () => {
  const sameKey = TENANTS.map((tenant) => ({ ...tenant, authorization: 'Bearer service' }))
  const tenantsOf = (spread: 'mixed' | 'tenant'): number => {
    const requests = plan({ eventsPerRequest: 200, spread, tenants: sameKey })
    const events = bodyOf<Event[]>(requestSource(requests, 'host', 0).next())
    return new Set(events.map((event) => event.tenant_id)).size
  }
  assert.equal(tenantsOf('mixed'), 3)
  assert.equal(tenantsOf('tenant'), 1)
})

function plan(changes: Partial<TrackRequests>): TrackRequests {
  return {
    kind: 'track',
    path: '/api/track',
    tenants: TENANTS,
    eventsPerRequest: 1,
    spread: 'tenant',
    shape: 'small',
    ...changes,
  }
}

function bodyOf<T>(request: Buffer): T {
  const text = request.toString('latin1')
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as T
}

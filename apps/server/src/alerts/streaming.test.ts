import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { alertLines, setAlerts, watchOn } from '../../test/alert-watch.ts'
import { testDatabase } from '../../test/database.ts'
import { readEvents } from '../../test/event-stream.ts'
import { nodeOn } from '../../test/node.ts'
import { sendCalls } from '../../test/usage-example.ts'

const database = await testDatabase()
const nodes = [await nodeOn(database), await nodeOn(database)] as const
after(async () => {
  await Promise.all(nodes.map((one) => one.stop()))
  await database.drop()
})
const [first, second] = nodes
const service = await first.service('s')

test('a stream tells of an alert where the log has it, on every node, and once however often it is resumed', async (t) => {
  const { id, key } = await first.tenant()
  await setAlerts(first, id, { type: 'daily_limit', threshold: 5 })
  const live = await Promise.all(nodes.map((node) => readEvents(t, node.url, key)))
  await sendCalls(first, service.key, id, Array(7).fill({}))
  // What nodes do every second, at once.
  await Promise.all([watchOn(first).run(), watchOn(second).run()])
  for (const reader of live) {
    await reader.until(() => reader.events.some(({ event }) => event === 'alert'))
  }
  await sendCalls(second, service.key, id, [{}, {}])
  const [line] = await alertLines(first, id)
  for (const reader of live) {
    await reader.until(() => reader.events.length === 10)
    const alerts = reader.events.filter(({ event }) => event === 'alert')
    assert.deepEqual(alerts, [{ id: String(line!.seq), event: 'alert', data: line }])
  }
  // From each line on, on the other node: whoever has seen it is not told again, all others are.
  const ids = live[0]!.events.map(({ id }) => Number(id))
  for (const seen of [ids[0]! - 1, ...ids]) {
    const headers = { 'last-event-id': String(seen) }
    const resumed = await readEvents(t, second.url, key, { query: '?follow=false', headers })
    await resumed.ended
    assert.deepEqual(
      resumed.events.map((event) => Number(event.id)),
      ids.filter((one) => one > seen),
    )
    const alerts = resumed.events.filter(({ event }) => event === 'alert').length
    assert.equal(alerts, seen < line!.seq ? 1 : 0)
  }
})

test('a node looks by itself', async (t) => {
  const { id, key } = await first.tenant()
  await setAlerts(first, id, { type: 'error_rate', threshold: 50, window_minutes: 5 })
  const reader = await readEvents(t, first.url, key)
  await sendCalls(first, service.key, id, [{}, { status: 'failure' }])
  await reader.until(() => reader.events.some(({ event }) => event === 'alert'))
  const { data } = reader.events.find(({ event }) => event === 'alert')!
  const { since, ...detail } = data.detail
  assert.deepEqual(detail, {
    alert_id: 'alert_errors_50_5m',
    type: 'error_rate',
    threshold: 50,
    value: 50,
  })
  const window = Date.parse(data.recorded_at) - Date.parse(since)
  assert.ok(window >= 300_000 && window < 310_000, `${window} ms`)
})

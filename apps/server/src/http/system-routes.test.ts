import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertProblem } from '../../test/api-problem.ts'
import { send } from '../../test/api-request.ts'
import { testDatabase } from '../../test/database.ts'
import { expectStatus, nodeOn, testNode } from '../../test/node.ts'

const node = await testNode()
after(() => node.stop())

test('alive and ready say so', async () => {
  assert.deepEqual((await node.call('GET', '/health', null)).body, { status: 'ok' })
  assert.deepEqual((await node.call('GET', '/ready', null)).body, { status: 'ok' })
})

test('a database without the migrations of this version is not ready', async () => {
  const database = await testDatabase()
  const other = await nodeOn(database)
  try {
    await other.server.pool.query('DELETE FROM migration')
    assertProblem(await other.call('GET', '/ready', null), 'database_unavailable')
    expectStatus(await other.call('GET', '/health', null), 200)
  } finally {
    await other.stop()
    await database.drop()
  }
})

test('metrics count what was committed', async () => {
  const { key } = await node.tenant()
  const figures = async () => {
    const { body, headers } = expectStatus(await node.admin('GET', '/metrics'), 200)
    assert.match(headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
    return figuresOf(body)
  }
  const before = await figures()
  for (let call = 0; call < 3; call += 1)
    await node.call('POST', '/api/track', key, { endpoint: '/x' })
  const after = await figures()
  const name = 'tollgate_events_committed_total'
  assert.equal(after.get(name)! - before.get(name)!, 3)
  assert.equal(after.get('tollgate_events_waiting'), 0)
  assert.ok(after.get('process_resident_memory_bytes')! > 0)
})

test('the documentation loads, with every file that it asks for, and nothing from elsewhere', async () => {
  const page = await fetch(`${node.url}/docs`)
  assert.equal(page.status, 200)
  const html = await page.text()
  const assets = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(
    ([, path]) => new URL(path!, page.url),
  )
  assert.ok(assets.length >= 3)
  for (const asset of assets) {
    assert.equal(asset.origin, node.url)
    const reply = await fetch(asset)
    assert.equal(reply.status, 200, asset.href)
    assert.ok((await reply.arrayBuffer()).byteLength > 0, asset.href)
  }
  const described = await fetch(`${node.url}/docs/json`)
  assert.deepEqual(await described.json(), (await node.call('GET', '/openapi.json', null)).body)
})

test('what is not there is a problem too, and says nothing of keys', async () => {
  for (const [method, path] of [
    ['GET', '/'],
    ['GET', '/api/nothing'],
    ['GET', '/api/track'],
    ['PUT', '/api/quota'],
    ['GET', '/docs/static/nothing.js'],
    ['GET', '/docs/static/..%2f..%2fpackage.json'],
  ] as const) {
    assertProblem(await node.call(method, path, null), 'not_found')
  }
})

test("a sender's request id is kept if it is a decent one, and made otherwise", async () => {
  const idOf = async (given: string) => {
    const sent = { method: 'GET', path: '/api/quota', headers: { 'x-request-id': given } }
    const reply = await send(node.url, null, sent)
    assertProblem(reply, 'unauthorized')
    return reply.body.request_id
  }
  assert.equal(await idOf('web-42:7.a_b'), 'web-42:7.a_b')
  for (const given of ['', 'x'.repeat(65), '<script>', '{"a":1}']) {
    assert.match(await idOf(given), /^[\w-]{8,}$/)
  }
})

function figuresOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => /^\w+ [\d.e+-]+$/.test(line))
  return new Map(lines.map((line) => [line.split(' ')[0]!, Number(line.split(' ')[1])]))
}

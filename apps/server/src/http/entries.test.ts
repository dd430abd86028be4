import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { watched } from '../../test/api-contract.ts'
import { signedIn } from '../../test/members.ts'
import { expectStatus, testNode } from '../../test/node.ts'

const node = watched(await testNode())
after(() => node.stop())

type Line = {
  seq: number
  kind: string
  event_id: string
  key_id: string | null
  team: string | null
  member_id: string | null
}
const page = async (key: string, query: string) =>
  expectStatus(await node.call('GET', `/api/entries?${query}`, key), 200).body

test('1,000 lines are read page by page, none missed and none twice, while new ones are added', async () => {
  const { key } = await node.tenant()
  const batch = Array.from({ length: 1_000 }, () => ({ endpoint: '/x' }))
  expectStatus(await node.call('POST', '/api/track', key, batch), 200)
  const seen: number[] = []
  let cursor = ''
  do {
    const { data, next_cursor } = await page(key, `limit=73${cursor}`)
    seen.push(...data.map(({ seq }: Line) => seq))
    cursor = next_cursor === null ? '' : `&cursor=${next_cursor}`
    expectStatus(
      await node.call('POST', '/api/track', key, [{ endpoint: '/new' }, { endpoint: '/new' }]),
      200,
    )
  } while (cursor !== '')
  assert.deepEqual(
    seen,
    Array.from({ length: 1_001 }, (_, index) => 1_001 - index),
  )
})

test('pages end exactly where the log ends', async () => {
  const { key } = await node.tenant()
  expectStatus(await node.call('POST', '/api/track', key, Array(9).fill({ endpoint: '/x' })), 200)
  assert.equal((await page(key, 'limit=10')).next_cursor, null)
  const first = await page(key, 'limit=9')
  const last = await page(key, `limit=9&cursor=${first.next_cursor}`)
  assert.deepEqual(
    last.data.map(({ kind }: Line) => kind),
    ['open'],
  )
  assert.equal(last.next_cursor, null)
})

test('a page has 50 lines unless it is told otherwise, and 500 at most', async () => {
  const { key } = await node.tenant()
  expectStatus(await node.call('POST', '/api/track', key, Array(600).fill({ endpoint: '/x' })), 200)
  assert.equal((await page(key, '')).data.length, 50)
  assert.equal((await page(key, 'limit=500')).data.length, 500)
})

test('a line says which key sent it', async () => {
  const { id, key } = await node.tenant()
  const service = await node.service()
  expectStatus(await node.call('POST', '/api/track', key, { endpoint: '/x' }), 200)
  expectStatus(
    await node.call('POST', '/api/track', service.key, { endpoint: '/x', tenant_id: id }),
    200,
  )
  const [byService, byTenant, opening] = (await page(key, '')).data as Line[]
  const { data } = (await node.admin('GET', `/api/admin/tenants/${id}/keys`)).body
  assert.equal(byTenant!.key_id, data[0].key_id)
  assert.match(byService!.key_id!, /^key_/)
  assert.notEqual(byService!.key_id, byTenant!.key_id)
  assert.equal(opening!.key_id, null)
})

test('a line says of which team the key is that sent it, and which person it was if it was one', async () => {
  const { id, key } = await node.tenant()
  const path = `/api/admin/tenants/${id}/keys`
  const named = { name: 'importer', team: 'data' }
  const made = expectStatus(await node.admin('POST', path, named), 201)
  const developer = await signedIn(node, 'developer', id)
  for (const credential of [made.body.key, key, developer.accessToken]) {
    expectStatus(await node.call('POST', '/api/track', credential, { endpoint: '/x' }), 200)
  }
  const lines = (await page(key, '')).data as Line[]
  const [byPerson, byPlainKey, byTeam, opening] = lines.map(({ key_id, team, member_id }) => ({
    key_id,
    team,
    member_id,
  }))
  assert.deepEqual(byTeam, { key_id: made.body.key_id, team: 'data', member_id: null })
  assert.deepEqual([byPlainKey!.team, byPlainKey!.member_id], [null, null])
  assert.match(byPlainKey!.key_id!, /^key_/)
  assert.deepEqual(byPerson, { key_id: null, team: null, member_id: developer.memberId })
  assert.deepEqual(opening, { key_id: null, team: null, member_id: null })
})

test('denied calls are in the log with their reason, not counted and not charged', async () => {
  const { key } = await node.tenant({ plan: 'prepaid' })
  expectStatus(await node.call('POST', '/api/track', key, { endpoint: '/x', credits_used: 3 }), 402)
  const [line] = (await page(key, 'limit=1')).data
  assert.equal(line.decision, 'denied')
  assert.equal(line.reason, 'insufficient_credits')
  assert.equal(line.counted, false)
  assert.deepEqual(line.credits, { change: 0, cost: 3, remaining: 0 })
})

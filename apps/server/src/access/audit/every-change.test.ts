import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { goodCredentials } from '../../../test/api-credentials.ts'
import { operationsOn } from '../../../test/api-operations.ts'
import { WALKED_STRIPE } from '../../../test/api-operations-billing.ts'
import { send } from '../../../test/api-request.ts'
import { expectStatus, testNode } from '../../../test/node.ts'

const METERING = 'the log of the tenant tells it, with its sender'
/** What changes something and is not told here, with the reason. */
const NOT_TOLD: Record<string, string> = {
  'POST /api/track': METERING,
  'POST /api/events': METERING,
  'POST /api/holds': METERING,
  'POST /api/holds/{id}/settle': METERING,
  'POST /api/holds/{id}/release': METERING,
  'POST /api/billing/estimate': 'it only works out a price',
  'POST /api/admin/backtest': 'it asks what would be, and nothing changes',
  'POST /api/subscription/preview': 'it says what would be, and changes nothing',
  'POST /api/billing/webhooks/stripe':
    'no person did it; what follows is told as done by the system',
  'POST /auth/refresh': 'the sign-in was told; its session goes on',
  'POST /auth/password/forgot': 'whoever knows an address can ask; what follows is told',
  'POST /auth/email/verify/resend': 'an e-mail is sent again, and nothing changes',
}

const node = await testNode({ stripe: WALKED_STRIPE })
after(() => node.stop())
const { id } = await node.tenant({ plan: 'prepaid', tenant_id: 'acme' })
const given = { amount: 1_000, reason: 'test' }
expectStatus(await node.admin('POST', `/api/admin/tenants/${id}/credits`, given), 201)
const credentials = await goodCredentials(node, id)
const operations = operationsOn(node, id)
const changes = Object.entries(operations).filter(([operation]) => !operation.startsWith('GET '))

test('there is a request for every operation of openapi.json, so that none is left out below', async () => {
  const { paths } = (await node.call('GET', '/openapi.json', null)).body
  const all = Object.entries<object>(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  assert.deepEqual(Object.keys(operations).sort(), all.sort())
  for (const operation of Object.keys(NOT_TOLD)) assert.ok(all.includes(operation), operation)
})

for (const [operation, { ok, request }] of changes) {
  const told = NOT_TOLD[operation] === undefined
  test(`${operation} ${told ? 'is told' : `is not told: ${NOT_TOLD[operation]}`}`, async () => {
    let successes = 0
    for (const [name, credential] of Object.entries(credentials)) {
      const sent = await request(credential)
      const before = await newest()
      const reply = await send(node.url, sent.bearer ?? credential.bearer, sent)
      const lines = await since(before)
      const requestId = reply.headers.get('x-request-id')
      const ours = lines.filter((line) => line.request_id === requestId)
      const what = `${name}: ${reply.status}, ${JSON.stringify(ours)}`
      assert.equal(ours.length > 0, told && reply.status === ok, what)
      if (reply.status === ok) successes += 1
      for (const line of ours) {
        assert.notEqual(line.actor_kind, 'system', what)
        assert.match(line.address, /127\.0\.0\.1/, what)
      }
    }
    assert.ok(successes > 0, 'somebody may do it')
  })
}

test('no secret is ever told', async () => {
  const { rows } = await node.server.pool.query('SELECT a::text AS line FROM audit AS a')
  const secrets = Object.values(credentials).flatMap(({ bearer }) => bearer ?? [])
  const hashes = (
    await node.server.pool.query(
      `SELECT encode(key_hash, 'hex') AS hash FROM api_key
       UNION ALL SELECT password_hash FROM member
       UNION ALL SELECT encode(token_hash, 'hex') FROM refresh_token`,
    )
  ).rows.map(({ hash }) => hash)
  for (const { line } of rows) {
    for (const secret of [...secrets, ...hashes]) assert.ok(!line.includes(secret), line)
    assert.doesNotMatch(line, /tg_(live|svc|op)_\w{20}|argon2|eyJ/)
  }
})

async function newest(): Promise<bigint> {
  const { rows } = await node.server.pool.query('SELECT max(audit_no) AS newest FROM audit')
  return rows[0].newest ?? 0n
}

async function since(
  auditNo: bigint,
): Promise<{ request_id: string; actor_kind: string; address: string }[]> {
  const { rows } = await node.server.pool.query(
    'SELECT request_id, actor_kind, address FROM audit WHERE audit_no > $1',
    [auditNo],
  )
  return rows
}

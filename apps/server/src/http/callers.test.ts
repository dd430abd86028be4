import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, mock, test } from 'node:test'
import { checkReply, REPLIES } from '../../test/api-contract.ts'
import {
  badCredentials,
  type Credential,
  goodCredentials,
  mistyped,
  tenantKey,
} from '../../test/api-credentials.ts'
import { operationsOn } from '../../test/api-operations.ts'
import { WALKED_STRIPE } from '../../test/api-operations-billing.ts'
import { assertProblem } from '../../test/api-problem.ts'
import { send } from '../../test/api-request.ts'
import { expectStatus, testNode } from '../../test/node.ts'

const node = await testNode({ stripe: WALKED_STRIPE })
after(() => node.stop())
const tenant = await node.tenant({ plan: 'prepaid', tenant_id: 'acme' })
const given = { amount: 1_000, reason: 'test' }
expectStatus(await node.admin('POST', '/api/admin/tenants/acme/credits', given), 201)
const credentials: Record<string, Credential> = {
  ...(await goodCredentials(node, 'acme')),
  ...(await badCredentials(node, 'acme')),
}
const operations = operationsOn(node, 'acme')
const { paths } = (await node.call('GET', '/openapi.json', null)).body
/** By operation, what it does to what, as the contract says. */
const accessOf = new Map<string, string>(
  Object.entries<Record<string, { 'x-access': string }>>(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]) =>
        [`${method.toUpperCase()} ${path}`, operation['x-access']] as [string, string],
    ),
  ),
)
/** Read anew and not with the program's own reader, which is what is tested. */
const policy = new Set(
  (await readFile(new URL('../access/policy/policy.csv', import.meta.url), 'utf8'))
    .split('\n')
    .filter((line) => line.startsWith('p, '))
    .map((line) => line.split(', ').slice(1).join(' ')),
)

function expectation(operation: string, { roles }: Credential): 'ok' | 'unknown' | 'forbidden' {
  const permission = accessOf.get(operation)!.replace(':', ' ')
  const permits = (role: string) => policy.has(`${role} ${permission}`)
  if (permits('anyone')) return 'ok'
  if (roles === null) return 'unknown'
  return roles.some(permits) ? 'ok' : 'forbidden'
}

test('there is a request for every operation of openapi.json, and a reply', () => {
  assert.deepEqual([...accessOf.keys()].sort(), Object.keys(operations).sort())
  assert.deepEqual([...accessOf.keys()].sort(), Object.keys(REPLIES).sort())
})

test('every row of the policy is asked for by some operation', () => {
  const asked = new Set([...accessOf.values()].map((access) => access.replace(':', ' ')))
  for (const row of policy) assert.ok(asked.has(row.split(' ').slice(1).join(' ')), row)
})

for (const [operation, { ok, request }] of Object.entries(operations)) {
  test(`${operation} answers those whom the policy names, and nobody else`, async () => {
    for (const [name, credential] of Object.entries(credentials)) {
      const sent = await request(credential)
      const reply = await send(node.url, sent.bearer ?? credential.bearer, sent)
      const what = `${name}: ${reply.status} ${JSON.stringify(reply.body)}`
      checkReply(sent.method, sent.path, reply)
      const expected = expectation(operation, credential)
      if (expected === 'ok') assert.equal(reply.status, ok, what)
      else if (expected === 'forbidden') {
        assert.equal(reply.status, 403, what)
        assertProblem(reply, 'forbidden')
      } else {
        assert.equal(reply.status, 401, what)
        assertProblem(reply, 'unauthorized')
        assert.equal(reply.headers.get('www-authenticate'), 'Bearer')
      }
    }
  })
}

/** Asked by machines, by a URL that others write. */
const ANY_QUERY = [
  ...['GET /health', 'GET /ready', 'GET /metrics', 'GET /openapi.json'],
  ...['GET /.well-known/jwks.json', 'POST /api/billing/webhooks/stripe'],
]

for (const [operation, { ok, request }] of Object.entries(operations)) {
  const takesAny = ANY_QUERY.includes(operation)
  const does = takesAny ? 'bears' : 'refuses, by its name,'
  test(`${operation} ${does} a query parameter that it does not name`, async () => {
    const [, credential] = Object.entries(credentials).find(
      ([, one]) => expectation(operation, one) === 'ok',
    )!
    const sent = await request(credential)
    const path = `${sent.path}${sent.path.includes('?') ? '&' : '?'}surprise=1`
    const reply = await send(node.url, sent.bearer ?? credential.bearer, { ...sent, path })
    if (takesAny) assert.equal(reply.status, ok)
    else assertProblem(reply, 'invalid_request', 'surprise')
  })
}

test('what is refused once is refused from memory as well', async () => {
  for (const name of ['viewer', 'key that may read', 'token of a session that has ended']) {
    const { bearer, roles } = credentials[name]!
    for (let call = 0; call < 3; call += 1) {
      const reply = await node.call('POST', '/api/track', bearer, { endpoint: '/x' })
      assertProblem(reply, roles === null ? 'unauthorized' : 'forbidden')
    }
  }
})

test('a mistyped key is refused without asking the database', async () => {
  const service = await node.service()
  const query = mock.method(node.server.pool, 'query')
  assertProblem(await node.call('GET', '/api/quota', mistyped(tenant.key)), 'unauthorized')
  assertProblem(await node.call('GET', '/api/quota', tenant.key.slice(0, -1)), 'unauthorized')
  assertProblem(await node.call('GET', '/api/quota', `${service.key}0`), 'unauthorized')
  // What is done every second beside requests asks for other things.
  const asked = query.mock.calls.filter(({ arguments: [what] }) =>
    /api_key/.test(JSON.stringify(what)),
  )
  assert.deepEqual(asked, [])
  query.mock.restore()
})

test('only a Bearer key is a key', async () => {
  const basic = `Basic ${Buffer.from(`${tenant.key}:`).toString('base64')}`
  for (const authorization of [
    basic,
    tenant.key,
    'Bearer',
    'Bearer  ',
    `Bearer ${tenant.key} x`,
    '',
  ]) {
    const reply = await fetch(`${node.url}/api/quota`, { headers: { authorization } })
    assert.equal(reply.status, 401, authorization)
  }
  const inQuery = await node.call('GET', `/api/quota?key=${tenant.key}`, null)
  assertProblem(inQuery, 'unauthorized')
})

test('who has no key learns nothing of what exists', async () => {
  for (const path of ['/api/admin/tenants/acme', '/api/admin/tenants/nobody']) {
    const { body } = await node.call('GET', path, null)
    assert.equal(body.code, 'unauthorized')
  }
})

test('a call is told under the person or key that sent it', async () => {
  const { key, key_id } = await tenantKey(node, 'acme', { team: 'search' })
  const { bearer } = credentials.developer!
  for (const sender of [key, bearer]) {
    expectStatus(await node.call('POST', '/api/track', sender, { endpoint: '/x' }), 200)
  }
  const { data } = (await node.call('GET', '/api/entries?limit=2', bearer)).body
  const me = (await node.call('GET', '/auth/me', bearer)).body
  assert.equal(data[0].member_id, me.member.member_id)
  assert.equal(data[0].key_id, null)
  assert.deepEqual([data[1].key_id, data[1].team, data[1].member_id], [key_id, 'search', null])
})

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { watched } from '../../../test/api-contract.ts'
import { assertProblem } from '../../../test/api-problem.ts'
import { expectStatus, testNode } from '../../../test/node.ts'
import { COMMAND_LINE } from '../../lib/audit-entry.ts'
import { LOCKOUT_FAILURES_MAX } from '../../limits.ts'
import { createOperator } from '../operators/create-operator.ts'
import { Passwords } from '../sign-in/passwords.ts'

const node = watched(await testNode())
after(() => node.stop())
const PASSWORD = 'Straight-Lemon-42'

let people = 0
async function signUp() {
  people += 1
  const email = `owner${people}@example.com`
  const body = { email, password: PASSWORD, name: 'Ada' }
  const { tenant_id, member_id } = expectStatus(
    await node.call('POST', '/auth/signup', null, body),
    201,
  ).body
  return { email, tenantId: tenant_id as string, memberId: member_id as string }
}
const logIn = (email: string, password = PASSWORD) =>
  node.call('POST', '/auth/login', null, { email, password })
async function lock(email: string): Promise<void> {
  for (let turn = 0; turn < LOCKOUT_FAILURES_MAX; turn += 1) await logIn(email, 'wrong-password-1')
  assertProblem(await logIn(email), 'locked')
}

test('an admin unlocks a person, who can sign in again at once', async () => {
  const [one, other] = [await signUp(), await signUp()]
  await lock(one.email)
  await lock(other.email)
  expectStatus(await node.admin('POST', `/api/admin/members/${one.memberId}/unlock`), 204)
  expectStatus(await logIn(one.email), 200)
  assertProblem(await logIn(other.email), 'locked')
})

test('an admin unlocks all people of a tenant, and nobody of another', async () => {
  const [one, other] = [await signUp(), await signUp()]
  await lock(one.email)
  await lock(other.email)
  expectStatus(await node.admin('POST', `/api/admin/tenants/${one.tenantId}/unlock`), 204)
  expectStatus(await logIn(one.email), 200)
  assertProblem(await logIn(other.email), 'locked')
})

test("an admin unlocks one of the operator's people", async () => {
  const { pool, clock } = node.server
  const { memberId, email } = await createOperator(
    { pool, clock, passwords: new Passwords() },
    COMMAND_LINE,
    { email: 'grace@example.com', name: 'Grace', role: 'support', password: PASSWORD },
  )
  await lock(email)
  expectStatus(await node.admin('POST', `/api/admin/members/${memberId}/unlock`), 204)
  expectStatus(await logIn(email), 200)
})

test('to unlock what is not locked changes nothing, and who is not there is not found', async () => {
  const { tenantId, memberId } = await signUp()
  expectStatus(await node.admin('POST', `/api/admin/members/${memberId}/unlock`), 204)
  expectStatus(await node.admin('POST', `/api/admin/tenants/${tenantId}/unlock`), 204)
  assertProblem(await node.admin('POST', '/api/admin/members/mem_nobody/unlock'), 'not_found')
  assertProblem(await node.admin('POST', '/api/admin/tenants/nobody/unlock'), 'tenant_not_found')
})

test('each is told in the audit log of whom it concerns', async () => {
  const { tenantId, memberId } = await signUp()
  expectStatus(await node.admin('POST', `/api/admin/members/${memberId}/unlock`), 204)
  expectStatus(await node.admin('POST', `/api/admin/tenants/${tenantId}/unlock`), 204)
  const path = `/api/admin/audit?tenant_id=${tenantId}&action=sign_in.unlocked`
  const { data } = (await node.admin('GET', path)).body
  assert.deepEqual(
    data.map((line: { object: object; actor: { kind: string } }) => [line.actor.kind, line.object]),
    [
      ['operator_key', { kind: 'tenant', id: tenantId }],
      ['operator_key', { kind: 'member', id: memberId }],
    ],
  )
})

test('whoever is no admin cannot unlock anybody, not even themselves', async () => {
  const { email, tenantId, memberId } = await signUp()
  const { access_token: token } = expectStatus(await logIn(email), 200).body
  const service = await node.service()
  for (const credential of [token, service.key]) {
    for (const path of [`members/${memberId}`, `tenants/${tenantId}`, 'members/mem_nobody']) {
      const reply = await node.call('POST', `/api/admin/${path}/unlock`, credential)
      assertProblem(reply, 'forbidden')
    }
  }
  assertProblem(
    await node.call('POST', `/api/admin/members/${memberId}/unlock`, null),
    'unauthorized',
  )
})

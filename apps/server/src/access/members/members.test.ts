import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { watched } from '../../../test/api-contract.ts'
import { assertProblem } from '../../../test/api-problem.ts'
import { testDatabase } from '../../../test/database.ts'
import { startMailServer } from '../../../test/mail-server.ts'
import { type Member, signedIn } from '../../../test/members.ts'
import { expectStatus, handClock, nodeOn, type Reply } from '../../../test/node.ts'
import { logIn, newPerson, PASSWORD } from '../../../test/people.ts'
import { INVITATION_DAYS, INVITATIONS_PER_DAY_MAX, MEMBERS_PER_TENANT_MAX } from '../../limits.ts'

const PUBLIC_URL = 'https://api.example.com'
const LINK = `${PUBLIC_URL}/account/accept-invitation#token=`
const DAY_MS = 24 * 3_600_000
const clock = handClock('2026-05-10T12:00:00Z')
const mail = await startMailServer()
const database = await testDatabase()
const node = watched(
  await nodeOn(database, { clock, smtpUrl: mail.url, publicUrl: PUBLIC_URL, jobs: true }),
)
const other = await nodeOn(database, { clock })
after(async () => {
  await node.stop()
  await other.stop()
  await mail.stop()
  await database.drop()
})
const { pool } = node.server

const invite = (by: string, email: string, role = 'developer') =>
  node.call('POST', '/api/members/invitations', by, { email, role })
const accept = (token: string, on = node) =>
  on.call('POST', '/auth/invitations/accept', null, { token, name: 'Robin', password: PASSWORD })
const people = async (by: string): Promise<{ member_id: string; role: string }[]> =>
  expectStatus(await node.call('GET', '/api/members', by), 200).body.data
const open = async (by: string): Promise<{ invitation_id: string; email: string }[]> =>
  expectStatus(await node.call('GET', '/api/members/invitations', by), 200).body.data

let made = 0
function newEmail(): string {
  made += 1
  return `invited${made}@example.com`
}

/** The token of the next e-mail that invites somebody. */
async function tokenFor(email: string): Promise<string> {
  const { text } = await mail.next(email)
  const link = /https:\/\/\S+/.exec(text)?.[0] ?? ''
  assert.ok(link.startsWith(LINK), link)
  return link.slice(LINK.length)
}

async function tenantWithOwners(): Promise<{ id: string; owners: [Member, Member] }> {
  const { id } = await node.tenant()
  return { id, owners: [await signedIn(node, 'owner', id), await signedIn(node, 'owner', id)] }
}

test('whoever follows the link of an invitation is a member with its role, signed in and verified, once', async () => {
  const { accessToken: owner, tenantId } = await newPerson(node)
  const email = newEmail()
  expectStatus(await invite(owner, email.toUpperCase(), 'finance'), 201)
  const token = await tokenFor(email)
  const { body } = expectStatus(await accept(token), 201)
  assert.equal(body.tenant_id, tenantId)
  const me = expectStatus(await node.call('GET', '/auth/me', body.access_token), 200).body
  const { member_id } = body
  const expected = { member_id, email, name: 'Robin', role: 'finance', email_verified: true }
  assert.deepEqual(me.member, expected)
  assertProblem(await accept(token), 'invalid_request', 'token')
  assert.deepEqual(await open(owner), [])
  expectStatus(await logIn(node, email), 200)
})

test('of those who follow one link at once, on two nodes, one becomes a member', async () => {
  const { accessToken: owner } = await newPerson(node)
  const email = newEmail()
  expectStatus(await invite(owner, email), 201)
  const token = await tokenFor(email)
  const replies = await Promise.all(
    Array.from({ length: 6 }, (_, n) => accept(token, n % 2 === 0 ? node : other)),
  )
  assert.deepEqual(replies.map(({ status }) => status).sort(), [201, 400, 400, 400, 400, 400])
  assert.equal((await people(owner)).length, 2)
})

test('a link that was withdrawn, replaced by a newer one, or has expired lets nobody in', async (t) => {
  const started = clock.now()
  t.after(() => clock.set(started))
  const { accessToken: owner } = await newPerson(node)
  const [withdrawn, replaced, expired] = [newEmail(), newEmail(), newEmail()]
  const tokens: string[] = []
  for (const email of [withdrawn, replaced, expired]) {
    expectStatus(await invite(owner, email), 201)
    tokens.push(await tokenFor(email))
  }
  const [{ invitation_id } = assert.fail()] = await open(owner)
  const path = `/api/members/invitations/${invitation_id}`
  expectStatus(await node.call('DELETE', path, owner), 204)
  assertProblem(await node.call('DELETE', path, owner), 'not_found')
  expectStatus(await invite(owner, replaced), 201)
  const newer = await tokenFor(replaced)
  for (const token of tokens.slice(0, 2)) {
    assertProblem(await accept(token), 'invalid_request', 'token')
  }
  expectStatus(await accept(newer), 201)
  clock.advance(INVITATION_DAYS * DAY_MS)
  assertProblem(await accept(tokens[2]!), 'invalid_request', 'token')
})

test('that an address is used elsewhere is told to whoever reads its mail, and not to who invites', async () => {
  const { accessToken: owner } = await newPerson(node)
  const { email } = await newPerson(node)
  await mail.next(email)
  const [known, unknown] = [await invite(owner, email), await invite(owner, newEmail())]
  const shape = ({ status, body }: Reply) => [status, Object.keys(body)]
  assert.deepEqual(shape(known), shape(unknown))
  assertProblem(await accept(await tokenFor(email)), 'already_exists', 'email')
})

test('the last owner can neither be removed nor get another role; of two, one can', async () => {
  const { owners } = await tenantWithOwners()
  const [{ accessToken: owner, memberId }, second] = owners
  const asOwner = (method: string, id: string, body?: object) =>
    node.call(method, `/api/members/${id}`, owner, body)
  expectStatus(await asOwner('PATCH', second.memberId, { role: 'viewer' }), 200)
  assertProblem(await asOwner('PATCH', memberId, { role: 'viewer' }), 'last_owner')
  assertProblem(await asOwner('DELETE', memberId), 'last_owner')
  expectStatus(await asOwner('PATCH', memberId, { role: 'owner', name: 'Ada' }), 200)
  expectStatus(await asOwner('DELETE', second.memberId), 204)
  assert.deepEqual(
    (await people(owner)).map(({ member_id, role }) => [member_id, role]),
    [[memberId, 'owner']],
  )
})

for (const [what, method, body] of [
  ['remove each other', 'DELETE', undefined],
  ['take the role from each other', 'PATCH', { role: 'viewer' }],
] as const) {
  test(`of two owners who ${what} at once, on two nodes, one stays an owner`, async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id, owners } = await tenantWithOwners()
      const [one, two] = owners
      await Promise.all([
        node.call(method, `/api/members/${two.memberId}`, one.accessToken, body),
        other.call(method, `/api/members/${one.memberId}`, two.accessToken, body),
      ])
      const { data } = (await node.admin('GET', `/api/admin/tenants/${id}/members`)).body
      assert.equal(data.filter(({ role }: { role: string }) => role === 'owner').length, 1)
    }
  })
}

test('the operator keeps an admin, as a tenant keeps an owner', async () => {
  const { memberId } = await signedIn(node, 'admin')
  const path = `/api/admin/members/${memberId}`
  assertProblem(await node.admin('PATCH', path, { role: 'support' }), 'last_owner')
  assertProblem(await node.admin('DELETE', path), 'last_owner')
  await signedIn(node, 'admin')
  expectStatus(await node.admin('DELETE', path), 204)
})

test('another role holds at once, whatever the token says; who is removed is out at once', async () => {
  const { id } = await node.tenant()
  const { accessToken: owner } = await signedIn(node, 'owner', id)
  const { memberId, email, accessToken, refreshToken } = await signedIn(node, 'developer', id)
  const path = `/api/members/${memberId}`
  const track = () => node.call('POST', '/api/track', accessToken, { endpoint: '/x' })
  expectStatus(await track(), 200)
  expectStatus(await node.call('PATCH', path, owner, { role: 'viewer' }), 200)
  assertProblem(await track(), 'forbidden')
  expectStatus(await node.call('GET', '/api/quota', accessToken), 200)
  expectStatus(await node.call('DELETE', path, owner), 204)
  assertProblem(await node.call('GET', '/api/quota', accessToken), 'unauthorized')
  const refresh = { refresh_token: refreshToken }
  assertProblem(await node.call('POST', '/auth/refresh', null, refresh), 'unauthorized')
  assertProblem(await logIn(node, email), 'invalid_credentials')
  assertProblem(await node.call('DELETE', path, owner), 'not_found')
})

test('a key gives no role that may do more than the key', async () => {
  const { id } = await node.tenant()
  const { memberId } = await signedIn(node, 'viewer', id)
  const keyWith = async (scopes: string[]): Promise<string> => {
    const made = await node.admin('POST', `/api/admin/tenants/${id}/keys`, { scopes })
    return expectStatus(made, 201).body.key
  }
  const [narrow, wide] = [await keyWith(['admin']), await keyWith(['admin', 'track', 'read'])]
  const path = `/api/members/${memberId}`
  for (const role of ['owner', 'developer']) {
    assertProblem(await invite(narrow, newEmail(), role), 'forbidden', 'role')
    assertProblem(await node.call('PATCH', path, narrow, { role }), 'forbidden', 'role')
  }
  expectStatus(await invite(narrow, newEmail(), 'finance'), 201)
  expectStatus(await invite(wide, newEmail(), 'owner'), 201)
})

test('who is a member already is not invited again', async () => {
  const { accessToken: owner, email } = await newPerson(node)
  assertProblem(await invite(owner, email), 'already_exists', 'email')
})

test('members, and invitations of a day, have a bound', async () => {
  const { id } = await node.tenant()
  const { accessToken: owner } = await signedIn(node, 'owner', id)
  await pool.query(
    `INSERT INTO invitation (invitation_id, tenant_no, email, role, created_at, expires_at)
     SELECT 'inv_many' || n, t.tenant_no, n || '@many.example', 'viewer', $3, $4
     FROM tenant AS t, generate_series(1, $2::int4) AS n WHERE t.tenant_id = $1`,
    [id, INVITATIONS_PER_DAY_MAX, new Date(clock.now() - 1), new Date(clock.now() + DAY_MS)],
  )
  assertProblem(await invite(owner, newEmail()), 'too_many_requests')
  await pool.query(
    `INSERT INTO member (member_id, tenant_no, email, name, role, password_hash)
     SELECT 'mem_many' || n, t.tenant_no, n || '@many.example', 'N', 'viewer', ''
     FROM tenant AS t, generate_series(1, $2::int4) AS n WHERE t.tenant_id = $1`,
    [id, MEMBERS_PER_TENANT_MAX - INVITATIONS_PER_DAY_MAX],
  )
  assertProblem(await invite(owner, newEmail()), 'too_many_members')
})

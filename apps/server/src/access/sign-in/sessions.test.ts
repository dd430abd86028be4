import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { watched } from '../../../test/api-contract.ts'
import { inParallel } from '../../../test/api-parallel.ts'
import { assertProblem } from '../../../test/api-problem.ts'
import { testDatabase } from '../../../test/database.ts'
import { expectStatus, handClock, nodeOn, type Reply, type TestNode } from '../../../test/node.ts'
import { logIn, newPerson, PASSWORD, type Person, signedInAgain } from '../../../test/people.ts'
import { SESSION_DAYS, SESSIONS_PER_MEMBER_MAX } from '../../limits.ts'
import { emptySignInTrash } from './trash.ts'

const clock = handClock('2026-03-10T12:00:00Z')
const database = await testDatabase()
const node = watched(await nodeOn(database, { clock }))
const otherNode = watched(await nodeOn(database, { clock }))
after(async () => {
  await Promise.all([node.stop(), otherNode.stop()])
  await database.drop()
})
const { pool } = node.server

const refresh = (refreshToken: string, at = node) =>
  at.call('POST', '/auth/refresh', null, { refresh_token: refreshToken })
const me = (token: string, at: TestNode = node) => at.call('GET', '/auth/me', token)
const endings = async ({ memberId }: Person): Promise<(string | null)[]> => {
  const { rows } = await pool.query(
    `SELECT end_reason FROM session JOIN member USING (member_no)
     WHERE member_id = $1 ORDER BY session_no`,
    [memberId],
  )
  return rows.map(({ end_reason }) => end_reason)
}

test('a refresh token gives the next pair, and so on, in one session', async () => {
  const person = await newPerson(node)
  const session = (await me(person.accessToken)).body.session
  let token = person.refreshToken
  const seen = new Set([token])
  for (let round = 0; round < 5; round += 1) {
    clock.advance(15 * 60_000)
    const { body } = expectStatus(await refresh(token, [node, otherNode][round % 2]), 200)
    token = body.refresh_token
    seen.add(token)
    assert.deepEqual((await me(body.access_token)).body.session, session)
  }
  assert.equal(seen.size, 6)
})

test('a refresh token that was used before ends its session: tokens that came of it are refused', async () => {
  const person = await newPerson(node)
  const bystander = await signedInAgain(node, person)
  const next = expectStatus(await refresh(person.refreshToken), 200).body
  expectStatus(await me(next.access_token), 200)
  assertProblem(await refresh(person.refreshToken), 'unauthorized')
  assertProblem(await refresh(next.refresh_token), 'unauthorized')
  assertProblem(await me(next.access_token), 'unauthorized')
  assertProblem(await me(person.accessToken), 'unauthorized')
  assert.deepEqual(await endings(person), ['refresh_token_reused', null])
  expectStatus(await me(bystander.accessToken), 200)
  const { rows } = await pool.query(
    "SELECT FROM audit WHERE actor_id = $1 AND action = 'session.refresh_token_reused'",
    [person.memberId],
  )
  assert.equal(rows.length, 1)
})

test('of parallel refreshes with one token, on two nodes, one wins, and the session ends', async () => {
  const person = await newPerson(node)
  const replies = await inParallel(Array.from({ length: 16 }), 16, (_, index) =>
    refresh(person.refreshToken, [node, otherNode][index % 2]),
  )
  const won = replies.filter(({ status }) => status === 200)
  assert.equal(won.length, 1)
  for (const reply of replies.filter((reply) => reply !== won[0])) {
    assertProblem(reply, 'unauthorized')
  }
  assert.deepEqual(await endings(person), ['refresh_token_reused'])
  for (const at of [node, otherNode]) {
    assertProblem(await refresh(won[0]!.body.refresh_token, at), 'unauthorized')
    assertProblem(await me(won[0]!.body.access_token, at), 'unauthorized')
  }
  const { rows } = await pool.query(
    "SELECT FROM audit WHERE actor_id = $1 AND action = 'session.refresh_token_reused'",
    [person.memberId],
  )
  assert.equal(rows.length, 1, 'told once')
})

test('a session ends on its last day, however often it was refreshed', async () => {
  clock.set('2026-04-01T12:00:00Z')
  const person = await newPerson(node)
  clock.advance(SESSION_DAYS * 24 * 3_600_000 - 1)
  const { body } = expectStatus(await refresh(person.refreshToken), 200)
  expectStatus(await me(body.access_token), 200)
  clock.advance(1)
  assertProblem(await refresh(body.refresh_token), 'unauthorized')
  // What this node remembers of its callers, it remembers for seconds.
  assertProblem(await me(body.access_token, otherNode), 'unauthorized')
})

test('what is no refresh token is refused, and harms nobody', async () => {
  clock.set('2026-03-10T12:00:00Z')
  const person = await newPerson(node)
  for (const token of ['x', person.accessToken, 'tg_ref_', `${person.refreshToken}x`]) {
    assertProblem(await refresh(token), 'unauthorized')
  }
  const attempt = (body: unknown) => node.call('POST', '/auth/refresh', null, body)
  for (const token of [7, null, '', {}, ['x'], 'x'.repeat(2_000)]) {
    assertProblem(await attempt({ refresh_token: token }), 'invalid_request', 'refresh_token')
  }
  assertProblem(await attempt({}), 'invalid_request', 'refresh_token')
  assertProblem(await attempt(undefined), 'invalid_request', 'refresh_token')
  expectStatus(await refresh(person.refreshToken), 200)
})

test('a refresh token is no access token', async () => {
  const person = await newPerson(node)
  assertProblem(await me(person.refreshToken), 'unauthorized')
})

test('who signs out is out: by refresh token, used or not, or by access token', async () => {
  const logOut = (key: string | null, body?: unknown) =>
    node.call('POST', '/auth/logout', key, body)
  const one = await newPerson(node)
  expectStatus(await logOut(null, { refresh_token: one.refreshToken }), 204)
  const two = await signedInAgain(node, one)
  const next = expectStatus(await refresh(two.refreshToken), 200).body
  expectStatus(await logOut(null, { refresh_token: two.refreshToken }), 204)
  const three = await signedInAgain(node, one)
  expectStatus(await logOut(three.accessToken), 204)
  for (const token of [one.accessToken, two.accessToken, next.access_token, three.accessToken]) {
    assertProblem(await me(token), 'unauthorized')
  }
  for (const token of [one.refreshToken, next.refresh_token, three.refreshToken]) {
    assertProblem(await refresh(token), 'unauthorized')
  }
  assert.deepEqual(await endings(one), ['log_out', 'log_out', 'log_out'])
  expectStatus(await logOut(null, { refresh_token: one.refreshToken }), 204)
  expectStatus(await logOut(null, { refresh_token: 'unknown' }), 204)
  assertProblem(await logOut(null), 'invalid_request', 'refresh_token')
  assertProblem(await logOut(node.operatorKey), 'invalid_request', 'refresh_token')
  assertProblem(await logOut('eyJ.x.y'), 'unauthorized')
})

test('people see their sessions and end them one by one; those of others do not exist', async () => {
  const person = await newPerson(node)
  const again = await signedInAgain(node, person)
  const sessions = (await node.call('GET', '/auth/sessions', again.accessToken)).body.data
  assert.deepEqual(
    sessions.map(({ current }: { current: boolean }) => current),
    [true, false],
  )
  const end = (token: string, id: string) => node.call('DELETE', `/auth/sessions/${id}`, token)
  const stranger = await newPerson(node)
  const missing = await end(stranger.accessToken, 'ses_00000000000000000000')
  const foreign = await end(stranger.accessToken, sessions[1].session_id)
  for (const reply of [missing, foreign]) assertProblem(reply, 'not_found')
  expectStatus(await me(person.accessToken), 200)
  expectStatus(await end(again.accessToken, sessions[1].session_id), 204)
  assertProblem(await end(again.accessToken, sessions[1].session_id), 'not_found')
  assertProblem(await me(person.accessToken), 'unauthorized')
  expectStatus(await me(again.accessToken), 200)
})

test('who signs in again and again has a bounded number of sessions: the oldest end', async () => {
  const person = await newPerson(node)
  await pool.query(
    `INSERT INTO session (session_id, member_no, expires_at)
     SELECT 'ses_old_' || n, member_no, '2027-01-01' FROM member, generate_series(1, $2) AS n
     WHERE member_id = $1`,
    [person.memberId, SESSIONS_PER_MEMBER_MAX + 20],
  )
  const again = await signedInAgain(node, person)
  const { data } = (await node.call('GET', '/auth/sessions', again.accessToken)).body
  assert.equal(data.length, SESSIONS_PER_MEMBER_MAX)
  assert.equal(data[0].current, true)
  assertProblem(await refresh(person.refreshToken), 'unauthorized')
})

test('another password ends all other sessions, and only the new one signs in', async () => {
  const person = await newPerson(node)
  const other = await signedInAgain(node, person)
  const change = (current: string, wanted: string) =>
    node.call('POST', '/auth/password/change', person.accessToken, {
      current_password: current,
      new_password: wanted,
    })
  const wanted = 'an otter in the bath'
  assertProblem(await change('not the password', wanted), 'invalid_request', 'current_password')
  assertProblem(await change(PASSWORD, 'password123'), 'invalid_request', 'new_password')
  assertProblem(await change(PASSWORD, person.email), 'invalid_request', 'new_password')
  expectStatus(await me(other.accessToken), 200)
  expectStatus(await change(PASSWORD, wanted), 204)
  expectStatus(await me(person.accessToken), 200)
  expectStatus(await refresh(person.refreshToken), 200)
  assertProblem(await me(other.accessToken), 'unauthorized')
  assertProblem(await refresh(other.refreshToken), 'unauthorized')
  assertProblem(await logIn(node, person.email), 'invalid_credentials')
  expectStatus(await logIn(node, person.email, wanted), 200)
})

test('whoever has a stolen access token has no more tries at the password than at the sign-in', async () => {
  const person = await newPerson(node)
  const change = () =>
    node.call('POST', '/auth/password/change', person.accessToken, {
      current_password: 'not the password',
      new_password: 'an otter in the bath',
    })
  const replies: Reply[] = await inParallel(Array.from({ length: 20 }), 20, change)
  assert.equal(replies.filter(({ status }) => status === 400).length, 5)
  for (const reply of replies.filter(({ status }) => status !== 400)) {
    assertProblem(reply, 'locked')
  }
  assertProblem(await logIn(node, person.email), 'locked')
})

test('of two changes of one password at once, one holds', async () => {
  const person = await newPerson(node)
  const wanted = ['an otter in the bath', 'a whale on the sofa']
  const replies = await Promise.all(
    wanted.map((new_password) =>
      node.call('POST', '/auth/password/change', person.accessToken, {
        current_password: PASSWORD,
        new_password,
      }),
    ),
  )
  assert.deepEqual(replies.map(({ status }) => status).sort(), [204, 400])
  const index = replies.findIndex(({ status }) => status === 204)
  expectStatus(await logIn(node, person.email, wanted[index]), 200)
})

test('sessions that are over for a day are deleted with their tokens, in batches; others stay', async () => {
  clock.set('2026-06-01T12:00:00Z')
  const person = await newPerson(node)
  await pool.query(
    `WITH old AS (
       INSERT INTO session (session_id, member_no, expires_at)
       SELECT 'ses_over_' || n, member_no, '2026-05-30' FROM member, generate_series(1, 2500) AS n
       WHERE member_id = $1 RETURNING session_no)
     INSERT INTO refresh_token (token_hash, session_no)
     SELECT decode(lpad(session_no::text, 64, '0'), 'hex'), session_no FROM old`,
    [person.memberId],
  )
  await emptySignInTrash(pool, clock.now())
  const { rows } = await pool.query(
    `SELECT count(*)::int AS n, count(r)::int AS tokens FROM session
     LEFT JOIN refresh_token AS r USING (session_no) JOIN member USING (member_no)
     WHERE member_id = $1`,
    [person.memberId],
  )
  assert.deepEqual(rows[0], { n: 1, tokens: 1 })
  expectStatus(await refresh(person.refreshToken), 200)
})

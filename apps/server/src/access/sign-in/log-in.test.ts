import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setImmediate as later } from 'node:timers/promises'
import pg from 'pg'
import { watched } from '../../../test/api-contract.ts'
import { inParallel } from '../../../test/api-parallel.ts'
import { assertProblem } from '../../../test/api-problem.ts'
import { send } from '../../../test/api-request.ts'
import { until } from '../../../test/embedded.ts'
import { expectStatus, handClock, type Reply, testNode, testSettings } from '../../../test/node.ts'
import { logIn, newPerson, PASSWORD } from '../../../test/people.ts'
import {
  LOCKOUT_FAILURES_MAX,
  LOCKOUT_SECONDS,
  PASSWORD_HASHES_RUNNING_MAX,
  PASSWORD_HASHES_WAITING_MAX,
} from '../../limits.ts'
import { Directory } from '../directory.ts'
import { openLockout } from '../lockout.ts'
import { Policy } from '../policy/policy.ts'
import { AccessTokens } from './access-tokens.ts'
import { FailedSignIns } from './failed-sign-ins.ts'
import { logIn as logInVerb } from './log-in.ts'
import { Passwords } from './passwords.ts'

const clock = handClock('2026-03-10T12:00:00Z')
const node = watched(await testNode({ clock }))
after(() => node.stop())
const { pool } = node.server

/** What the verb needs beside a node, whose own is out of reach. */
async function verbDependencies() {
  const passwords = new Passwords()
  const tokens = new AccessTokens({ pool, clock })
  const policy = await Policy.load()
  const failures = new FailedSignIns({
    pool,
    clock,
    onError: (error) => assert.fail(String(error)),
  })
  const deps = {
    ...{ ...node.server, settings: testSettings(), passwords, tokens, failures },
    lockout: openLockout({ redis: null, clock }),
    directory: new Directory({ pool, policy, tokens, clock }),
  }
  return { deps, failures }
}

const actionsOf = async (memberId: string): Promise<string[]> => {
  const { rows } = await pool.query(
    "SELECT action FROM audit WHERE actor_id = $1 AND action LIKE 'sign_in.%' ORDER BY seq",
    [memberId],
  )
  return rows.map(({ action }) => action)
}

test('the right password signs in, whatever the case of the address', async () => {
  const { email, memberId } = await newPerson(node)
  const { body } = expectStatus(await logIn(node, email.toUpperCase()), 200)
  assert.deepEqual(Object.keys(body).sort(), [
    'access_token',
    'expires_in',
    'refresh_token',
    'token_type',
  ])
  const me = expectStatus(await node.call('GET', '/auth/me', body.access_token), 200)
  assert.equal(me.body.member.member_id, memberId)
  assert.deepEqual(await actionsOf(memberId), ['sign_in.succeeded'])
})

test('the answer to a wrong password is that to an address which nobody has', async () => {
  const { email } = await newPerson(node)
  const visible = ({ status, headers, body }: Reply) => {
    const { request_id, ...rest } = body
    assert.ok(request_id)
    return { status, rest, headers: [...headers.keys()] }
  }
  const wrong = await logIn(node, email, 'not the password')
  const unknown = await logIn(node, 'nobody@example.com', 'not the password')
  assertProblem(wrong, 'invalid_credentials')
  assert.deepEqual(visible(wrong), visible(unknown))
})

test('a password is compared whether there is such a person or not, once for each try', async () => {
  const { email } = await newPerson(node)
  const { deps, failures } = await verbDependencies()
  const { passwords } = deps
  const origin = { address: '192.0.2.1', requestId: 'r' }
  for (const address of [email, 'nobody@example.com', 'nobody-else@example.com']) {
    const before = passwords.hashesCount
    await assert.rejects(logInVerb(deps, { email: address, password: 'wrong one' }, origin), {
      code: 'invalid_credentials',
    })
    assert.equal(passwords.hashesCount, before + 1, address)
  }
  await logInVerb(deps, { email, password: PASSWORD }, origin)
  await failures.settled()
})

test('tries while the database is away, or while too many passwords wait, lock nobody', async (t) => {
  const { email } = await newPerson(node)
  const away = new pg.Pool({ host: '127.0.0.1', port: 1 })
  t.after(() => away.end())
  const { deps, failures } = await verbDependencies()
  const origin = { address: '192.0.2.1', requestId: 'r' }
  const tries = Array.from({ length: 2 * LOCKOUT_FAILURES_MAX })
  for (const _ of tries) {
    const credentials = { email, password: PASSWORD }
    await assert.rejects(logInVerb({ ...deps, pool: away }, credentials, origin), {
      code: 'ECONNREFUSED',
    })
  }
  let isBusy = true
  t.after(() => {
    isBusy = false
  })
  // Whoever is done comes again at once, so that there is never a place.
  const comeAgain = async (): Promise<void> => {
    while (isBusy) await deps.passwords.verify(null, 'x').catch(() => later())
  }
  const crowd = Array.from(
    { length: PASSWORD_HASHES_RUNNING_MAX + PASSWORD_HASHES_WAITING_MAX },
    comeAgain,
  )
  for (let refused = 0; refused < tries.length; ) {
    // Now and then one slips in between somebody who is done and the same who comes again.
    const error = await logInVerb(deps, { email, password: PASSWORD }, origin).then(
      () => null,
      (reason: unknown) => reason,
    )
    if (error === null) continue
    assert.equal((error as { code?: unknown }).code, 'overloaded')
    refused += 1
  }
  isBusy = false
  await Promise.all(crowd)
  await logInVerb(deps, { email, password: PASSWORD }, origin)
  await failures.settled()
})

test('after five failures the right password is refused too, until the lock is over', async () => {
  clock.set('2026-03-11T12:00:00Z')
  const { email, memberId } = await newPerson(node)
  for (let tries = 0; tries < LOCKOUT_FAILURES_MAX; tries += 1) {
    assertProblem(await logIn(node, email, 'not the password'), 'invalid_credentials')
  }
  for (let tries = 0; tries < 3; tries += 1) {
    const locked = await logIn(node, email)
    assertProblem(locked, 'locked')
    assert.equal(locked.headers.get('retry-after'), String(LOCKOUT_SECONDS))
  }
  clock.advance(LOCKOUT_SECONDS * 1_000)
  expectStatus(await logIn(node, email), 200)
  const expected = [
    ...Array.from({ length: LOCKOUT_FAILURES_MAX }, () => 'sign_in.failed'),
    ...['sign_in.locked', 'sign_in.succeeded'],
  ].sort()
  const told = await until('the audit log tells of them', async () => {
    const actions = await actionsOf(memberId)
    return actions.length >= expected.length ? actions : null
  })
  assert.deepEqual(told.sort(), expected)
})

test('a lock that an admin opened, and that closes again, is told of again', async () => {
  clock.set('2026-03-11T18:00:00Z')
  const { email, memberId } = await newPerson(node)
  for (let round = 0; round < 2; round += 1) {
    for (let tries = 0; tries <= LOCKOUT_FAILURES_MAX; tries += 1) await logIn(node, email, 'wrong')
    expectStatus(await node.admin('POST', `/api/admin/members/${memberId}/unlock`), 204)
  }
  await until('the audit log tells of both', async () => {
    const actions = await actionsOf(memberId)
    return actions.filter((action) => action === 'sign_in.locked').length === 2
  })
})

test('of many wrong tries at once at most five are looked at, and an address of nobody is locked alike', async () => {
  clock.set('2026-03-12T12:00:00Z')
  const { email } = await newPerson(node)
  for (const address of [email, 'nobody-at-all@example.com']) {
    const replies = await inParallel(Array.from({ length: 100 }), 50, () =>
      logIn(node, address, 'not the password'),
    )
    const tried = replies.filter(({ status }) => status === 401).length
    const locked = replies.filter(({ status }) => status === 423).length
    assert.deepEqual([tried, locked], [LOCKOUT_FAILURES_MAX, 100 - LOCKOUT_FAILURES_MAX], address)
    assertProblem(await logIn(node, address), 'locked')
  }
})

test('strangers leave nothing in the audit log', async () => {
  clock.set('2026-03-13T12:00:00Z')
  const ids: (string | null)[] = []
  for (let tries = 0; tries < 8; tries += 1) {
    const { headers } = await logIn(node, 'stranger@example.com', 'wrong one')
    ids.push(headers.get('x-request-id'))
  }
  const { email, memberId } = await newPerson(node)
  await logIn(node, email, 'wrong one')
  await until('the audit log tells of a member', async () => (await actionsOf(memberId)).length > 0)
  const { rows } = await pool.query('SELECT FROM audit WHERE request_id = ANY($1::text[])', [ids])
  assert.equal(rows.length, 0)
})

test("a suspended tenant's people may still sign in and see what there is", async () => {
  clock.set('2026-03-14T12:00:00Z')
  const { email, tenantId } = await newPerson(node)
  expectStatus(
    await node.admin('PATCH', `/api/admin/tenants/${tenantId}`, { status: 'suspended' }),
    200,
  )
  const { body } = expectStatus(await logIn(node, email), 200)
  expectStatus(await node.call('GET', '/api/usage/summary', body.access_token), 200)
  const call = await node.call('POST', '/api/track', body.access_token, { endpoint: '/x' })
  assert.equal(call.body.reason, 'tenant_suspended')
})

test('a password that is changed while somebody signs in with the old one opens no session', async () => {
  clock.set('2026-03-15T12:00:00Z')
  const { email, memberId } = await newPerson(node)
  const other = await pool.connect()
  try {
    await other.query('BEGIN')
    await other.query("UPDATE member SET password_hash = 'another' WHERE member_id = $1", [
      memberId,
    ])
    const late = logIn(node, email)
    await until('the sign-in waits for the change', async () => {
      const { rows } = await other.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      )
      return rows.length > 0
    })
    await other.query('COMMIT')
    assertProblem(await late, 'invalid_credentials')
  } finally {
    other.release()
  }
  const { rows } = await pool.query(
    'SELECT FROM session JOIN member USING (member_no) WHERE member_id = $1',
    [memberId],
  )
  assert.equal(rows.length, 1, 'the one of the sign-up')
})

test('somebody who was removed cannot sign in, refresh, or go on', async () => {
  clock.set('2026-03-16T12:00:00Z')
  const person = await newPerson(node)
  await pool.query('UPDATE member SET removed_at = now() WHERE member_id = $1', [person.memberId])
  assertProblem(await logIn(node, person.email), 'invalid_credentials')
  const body = { refresh_token: person.refreshToken }
  assertProblem(await node.call('POST', '/auth/refresh', null, body), 'unauthorized')
  assertProblem(await node.call('GET', '/auth/me', person.accessToken), 'unauthorized')
})

test('a body that is no sign-in is refused, all that is wrong named', async () => {
  const attempt = (body: unknown) => node.call('POST', '/auth/login', null, body)
  assertProblem(
    await attempt({ email: 7, password: ['x'] }),
    'invalid_request',
    'email',
    'password',
  )
  assertProblem(await attempt({}), 'invalid_request', 'email', 'password')
  assertProblem(
    await attempt({ email: 'a@example.com', password: 'x', otp: 1 }),
    'invalid_request',
    'otp',
  )
  const long = { email: 'a@example.com', password: 'x'.repeat(5_000) }
  assertProblem(await attempt(long), 'invalid_request', 'password')
  assertProblem(
    await attempt({ email: "' OR 1=1 --@example.com", password: 'x' }),
    'invalid_request',
    'email',
  )
  const form = await send(node.url, null, {
    method: 'POST',
    path: '/auth/login',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'email=a@example.com&password=x',
  })
  assertProblem(form, 'unsupported_media_type')
})

test('an API key is no sign-in: it is nobody, has no profile and no sessions', async () => {
  const { key } = await node.tenant()
  for (const path of ['/auth/me', '/auth/sessions']) {
    assertProblem(await node.call('GET', path, key), 'forbidden')
    assertProblem(await node.call('GET', path, node.operatorKey), 'forbidden')
    assertProblem(await node.call('GET', path, null), 'unauthorized')
  }
})

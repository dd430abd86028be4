import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { watched } from '../../../test/api-contract.ts'
import { inParallel } from '../../../test/api-parallel.ts'
import { assertProblem } from '../../../test/api-problem.ts'
import { testDatabase } from '../../../test/database.ts'
import { expectStatus, handClock, nodeOn } from '../../../test/node.ts'
import { PASSWORD } from '../../../test/people.ts'

const clock = handClock('2026-03-10T12:00:00Z')
const database = await testDatabase()
const node = watched(await nodeOn(database, { clock }))
const otherNode = watched(await nodeOn(database, { clock }))
after(async () => {
  await Promise.all([node.stop(), otherNode.stop()])
  await database.drop()
})
const { pool } = node.server

const wanted = { email: 'ada@example.com', password: PASSWORD, name: 'Ada' }
const signUp = (more: object = {}, at = node) =>
  at.call('POST', '/auth/signup', null, { ...wanted, ...more })
const count = async (table: string, where = 'true') =>
  (await pool.query(`SELECT count(*)::int AS n FROM ${table} WHERE ${where}`)).rows[0].n

test('who signs up has a tenant on the free plan, is its owner, and is signed in', async () => {
  const { body } = expectStatus(await signUp({ email: 'First@Example.com' }), 201)
  assert.match(body.tenant_id, /^ten_[0-9a-f]{20}$/)
  assert.match(body.member_id, /^mem_[0-9a-f]{20}$/)
  assert.deepEqual([body.token_type, body.expires_in], ['Bearer', 900])
  const me = expectStatus(await node.call('GET', '/auth/me', body.access_token), 200).body
  assert.deepEqual(me.member, {
    member_id: body.member_id,
    email: 'first@example.com',
    name: 'Ada',
    role: 'owner',
    email_verified: false,
  })
  assert.deepEqual(me.tenant, { tenant_id: body.tenant_id, name: 'Ada' })
  const quota = expectStatus(await node.call('GET', '/api/quota', body.access_token), 200).body
  assert.equal(quota.quota.limit, 100)
  expectStatus(await node.call('POST', '/api/track', body.access_token, { endpoint: '/x' }), 200)
})

test('a plan may be chosen; one by agreement, or one that is not there, is refused and named', async () => {
  const pro = expectStatus(await signUp({ email: 'pro@example.com', plan: 'pro' }), 201).body
  const tenant = await node.admin('GET', `/api/admin/tenants/${pro.tenant_id}`)
  assert.equal(tenant.body.plan, 'pro')
  const before = await count('tenant')
  for (const plan of ['enterprise', 'platinum', '__proto__', 'Free']) {
    const refused = await signUp({ email: 'big@example.com', plan })
    assertProblem(refused, 'invalid_request', 'plan')
    assert.match(refused.body.errors[0].message, /free, prepaid, pro, team$/)
  }
  assert.equal(await count('tenant'), before)
})

test('of those who sign up with one address at once, on two nodes, one gets a tenant', async () => {
  const before = await count('tenant')
  const replies = await inParallel(Array.from({ length: 12 }), 12, (_, index) =>
    signUp(
      { email: index % 3 === 0 ? 'RACE@example.com' : 'race@example.com' },
      [node, otherNode][index % 2],
    ),
  )
  const made = replies.filter(({ status }) => status === 201)
  assert.equal(made.length, 1)
  for (const reply of replies.filter(({ status }) => status !== 201)) {
    assertProblem(reply, 'already_exists', 'email')
  }
  assert.equal(await count('tenant'), before + 1)
  assert.equal(await count('account'), before + 1)
  assert.equal(await count('member', "email = 'race@example.com'"), 1)
  const me = await node.call('GET', '/auth/me', made[0]!.body.access_token)
  assert.equal(expectStatus(me, 200).body.member.email, 'race@example.com')
})

test('what is wrong is named, all of it at once, and nothing is made', async () => {
  const before = await count('tenant')
  assertProblem(
    await node.call('POST', '/auth/signup', null, { email: 'x', name: '', plan: 7, role: 'admin' }),
    'invalid_request',
    'email',
    'password',
    'name',
    'plan',
    'role',
  )
  for (const password of [
    'short',
    'password123',
    'ada@example.com',
    'tollgate2026',
    '   \t      ',
  ]) {
    assertProblem(await signUp({ password }), 'invalid_request', 'password')
  }
  for (const body of ['[]', 'null', '""', undefined]) {
    assertProblem(await node.call('POST', '/auth/signup', null, body), 'invalid_request', 'body')
  }
  assertProblem(await signUp({ email: 'a\u0000@example.com' }), 'invalid_request', 'email')
  assert.equal(await count('tenant'), before)
})

test('a browser gets the refresh token as a cookie that scripts cannot read, and not in the body', async () => {
  const reply = expectStatus(await signUp({ email: 'browser@example.com', cookie: true }), 201)
  assert.equal(reply.body.refresh_token, undefined)
  const cookie = reply.headers.get('set-cookie') ?? ''
  assert.match(
    cookie,
    /^tollgate_refresh=tg_ref_[\w-]{43}; Max-Age=2592000; Path=\/auth; HttpOnly; SameSite=Strict$/,
  )
})

test('a program gets the refresh token in the body, and no cookie', async () => {
  const reply = expectStatus(await signUp({ email: 'program@example.com' }), 201)
  assert.match(reply.body.refresh_token, /^tg_ref_/)
  assert.equal(reply.headers.get('set-cookie'), null)
})

test('the log, the audit log and an e-mail tell of a sign-up; neither holds a secret', async () => {
  const { body } = expectStatus(await signUp({ email: 'told@example.com' }), 201)
  const { rows } = await pool.query(
    `SELECT a.action, a.actor_kind, a.actor_id, a.address, a.before, a.after FROM audit AS a JOIN tenant AS t USING (tenant_no)
     WHERE t.tenant_id = $1 ORDER BY a.seq`,
    [body.tenant_id],
  )
  assert.deepEqual(
    rows.map(({ action, actor_kind, actor_id, address }) => [
      action,
      actor_kind,
      actor_id,
      address,
    ]),
    [
      ['tenant.signed_up', 'member', body.member_id, '127.0.0.1'],
      ['member.added', 'member', body.member_id, '127.0.0.1'],
    ],
  )
  const { rows: jobs } = await pool.query(
    `SELECT payload FROM graphile_worker._private_jobs WHERE key = 'send_email_verification:' ||
       (SELECT member_no FROM member WHERE member_id = $1)`,
    [body.member_id],
  )
  assert.equal(jobs.length, 1)
  const told = JSON.stringify([rows, jobs])
  for (const secret of [PASSWORD, body.refresh_token, body.access_token, 'argon2']) {
    assert.ok(!told.includes(secret), secret)
  }
})

test('what the database keeps lets nobody in', async () => {
  const { body } = expectStatus(await signUp({ email: 'kept@example.com' }), 201)
  const { rows } = await pool.query(
    `SELECT m.password_hash, encode(r.token_hash, 'base64') AS token FROM member AS m
     JOIN session USING (member_no) JOIN refresh_token AS r USING (session_no)
     WHERE m.member_id = $1`,
    [body.member_id],
  )
  assert.match(rows[0].password_hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  for (const kept of [rows[0].password_hash, rows[0].token]) {
    const login = { email: 'kept@example.com', password: kept }
    assertProblem(await node.call('POST', '/auth/login', null, login), 'invalid_credentials')
    assertProblem(
      await node.call('POST', '/auth/refresh', null, { refresh_token: kept }),
      'unauthorized',
    )
  }
})

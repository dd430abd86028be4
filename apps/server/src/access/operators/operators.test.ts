import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { inParallel } from '../../../test/api-parallel.ts'
import { testDatabase } from '../../../test/database.ts'
import { handClock } from '../../../test/node.ts'
import { createPool } from '../../db/pool.ts'
import { COMMAND_LINE } from '../../lib/audit-entry.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { Passwords } from '../sign-in/passwords.ts'
import { createOperator, ensureFirstAdmin } from './create-operator.ts'
import { resetPasswordOf, unlockPerson } from './recover.ts'

const database = await testDatabase()
const pool = createPool(database.url, () => undefined)
const clock = handClock('2026-03-10T12:00:00Z')
const deps = { pool, clock, passwords: new Passwords() }
after(async () => {
  await pool.end()
  await database.drop()
})

const PASSWORD = 'Straight-Lemon-42'
const people = async () =>
  (await pool.query('SELECT email, name, role, tenant_no FROM member ORDER BY member_no')).rows
const audited = async () =>
  (
    await pool.query(
      'SELECT actor_kind, action, after FROM audit WHERE tenant_no = 0 ORDER BY seq DESC LIMIT 1',
    )
  ).rows[0]

test('a first admin whose password is weak, or whose address is none, is not made, and the field is named', async () => {
  const wrong: [email: string, password: string, field: string][] = [
    ['ada@example.com', 'short', 'password'],
    ['ada@example.com', 'password123', 'password'],
    ['nobody', PASSWORD, 'email'],
    ['a@b@c.example', PASSWORD, 'email'],
    ['', PASSWORD, 'email'],
  ]
  for (const [email, password, field] of wrong) {
    await assert.rejects(ensureFirstAdmin(deps, { email, password }), namesField(field))
  }
  assert.deepEqual(await people(), [])
})

test('nodes that start together make one admin', async () => {
  const email = 'Ada@Example.com'
  const made = await inParallel(Array.from({ length: 6 }), 6, () =>
    ensureFirstAdmin({ ...deps, passwords: new Passwords() }, { email, password: PASSWORD }),
  )
  assert.equal(made.filter(Boolean).length, 1)
  assert.deepEqual(await people(), [
    { email: 'ada@example.com', name: 'Ada@Example.com', role: 'admin', tenant_no: null },
  ])
  const { actor_kind, action } = await audited()
  assert.deepEqual([actor_kind, action], ['system', 'member.added'])
})

test('an admin who exists keeps their password, whatever is configured', async () => {
  const before = await hashOf('ada@example.com')
  for (const email of ['ada@example.com', 'eve@example.com']) {
    assert.equal(await ensureFirstAdmin(deps, { email, password: 'x' }), false)
  }
  assert.equal(await hashOf('ada@example.com'), before)
  assert.equal((await people()).length, 1)
})

test('an address belongs to one person, also when many want it at once', async () => {
  const wanted = { email: 'bob@example.com', name: 'Bob', role: 'support', password: PASSWORD }
  const outcomes = await Promise.allSettled(
    Array.from({ length: 5 }, () => createOperator(deps, COMMAND_LINE, { ...wanted } as never)),
  )
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') assert.ok(namesField('email')(outcome.reason))
  }
  assert.deepEqual((await people()).at(-1), {
    email: 'bob@example.com',
    name: 'Bob',
    role: 'support',
    tenant_no: null,
  })
})

test('what is told of a person who was made holds nothing of the password', async () => {
  const { after: told, actor_kind } = await audited()
  assert.deepEqual(told, { email: 'bob@example.com', name: 'Bob', role: 'support' })
  assert.equal(actor_kind, 'command_line')
  const { rows } = await pool.query('SELECT a::text AS line FROM audit AS a')
  for (const { line } of rows) {
    assert.ok(!line.includes(PASSWORD))
    assert.ok(!line.includes('argon2'))
  }
})

test('another password ends the sessions of a person, and the one before is good no more', async () => {
  const { rows } = await pool.query("SELECT member_no FROM member WHERE email = 'bob@example.com'")
  await pool.query(
    `INSERT INTO session (session_id, member_no, expires_at)
     VALUES ('ses_1', $1, now() + interval '1 day'), ('ses_2', $1, now() + interval '1 day')`,
    [rows[0].member_no],
  )
  const next = 'Other-Lemon-77-pie'
  await resetPasswordOf(deps, COMMAND_LINE, ' BOB@example.com ', next)
  const hashed = await hashOf('bob@example.com')
  assert.equal(await deps.passwords.verify(hashed, next), true)
  assert.equal(await deps.passwords.verify(hashed, PASSWORD), false)
  const sessions = await pool.query('SELECT end_reason FROM session')
  assert.deepEqual(sessions.rows, [
    { end_reason: 'password_reset' },
    { end_reason: 'password_reset' },
  ])
  const { action, after: told } = await audited()
  assert.deepEqual([action, told], ['member.password_reset', { sessions_ended: 2 }])
})

test('a password that is too weak, or a person who is not there, changes nothing', async () => {
  const before = await hashOf('bob@example.com')
  const reset = (email: string, password: string) =>
    resetPasswordOf(deps, COMMAND_LINE, email, password)
  await assert.rejects(reset('bob@example.com', 'short'), namesField('password'))
  await assert.rejects(reset('nobody@example.com', PASSWORD), /Nobody has this e-mail address/)
  await assert.rejects(unlockPerson(deps, COMMAND_LINE, 'nobody@example.com'), /Nobody has/)
  assert.equal(await hashOf('bob@example.com'), before)
})

test('two who give a person another password at once: one of them has', async () => {
  const outcomes = await Promise.allSettled(
    ['First-Lemon-11-pie', 'Second-Lemon-22-pie'].map((password) =>
      resetPasswordOf(deps, COMMAND_LINE, 'bob@example.com', password),
    ),
  )
  assert.ok(outcomes.some(({ status }) => status === 'fulfilled'))
  const hashed = await hashOf('bob@example.com')
  const good = await Promise.all(
    ['First-Lemon-11-pie', 'Second-Lemon-22-pie'].map((one) => deps.passwords.verify(hashed, one)),
  )
  assert.equal(good.filter(Boolean).length, 1)
})

async function hashOf(email: string): Promise<string> {
  const { rows } = await pool.query('SELECT password_hash FROM member WHERE email = $1', [email])
  return rows[0].password_hash
}

function namesField(field: string) {
  return (error: unknown) => {
    assert.ok(error instanceof ProblemError)
    assert.deepEqual(
      error.errors?.map((one) => one.field),
      [field],
    )
    return true
  }
}

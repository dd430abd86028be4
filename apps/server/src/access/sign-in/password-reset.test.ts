import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { watched } from '../../../test/api-contract.ts'
import { assertProblem } from '../../../test/api-problem.ts'
import { until } from '../../../test/embedded.ts'
import { startMailServer } from '../../../test/mail-server.ts'
import { expectStatus, handClock, type Reply, testNode } from '../../../test/node.ts'
import { logIn, newPerson, signedInAgain } from '../../../test/people.ts'
import { EMAIL_TOKENS_PER_PURPOSE_MAX, PASSWORD_RESET_MINUTES } from '../../limits.ts'
import { emptySignInTrash } from './trash.ts'

const PUBLIC_URL = 'https://api.example.com'
const clock = handClock('2026-03-10T12:00:00Z')
const mail = await startMailServer()
const options = { clock, smtpUrl: mail.url, publicUrl: PUBLIC_URL, jobs: true }
const node = watched(await testNode(options))
after(async () => {
  await node.stop()
  await mail.stop()
})
const { pool } = node.server

const WANTED = 'an otter in the bath'
const forgot = (email: string) => node.call('POST', '/auth/password/forgot', null, { email })
const reset = (token: string, password = WANTED) =>
  node.call('POST', '/auth/password/reset', null, { token, password })
const verify = (token: string) => node.call('POST', '/auth/email/verify', null, { token })
const isVerified = async (token: string): Promise<boolean> =>
  expectStatus(await node.call('GET', '/auth/me', token), 200).body.member.email_verified

/** The token of the next e-mail to somebody, whose link leads to this page. */
async function tokenFor(email: string, page: string): Promise<string> {
  const { text } = await mail.next(email)
  const link = /https:\/\/\S+/.exec(text)?.[0] ?? ''
  assert.ok(link.startsWith(`${PUBLIC_URL}${page}#token=`), link)
  return link.split('#token=')[1]!
}
const verificationToken = (email: string) => tokenFor(email, '/account/verify-email')
async function resetToken(email: string): Promise<string> {
  expectStatus(await forgot(email), 202)
  return tokenFor(email, '/account/reset-password')
}
const noJobsLeft = () =>
  until('all jobs are done', async () => {
    const { rows } = await pool.query('SELECT FROM graphile_worker.jobs')
    return rows.length === 0
  })

test('the link of the e-mail takes a new password, once; the old one and all sessions are over', async () => {
  const person = await newPerson(node)
  await verificationToken(person.email)
  const again = await signedInAgain(node, person)
  expectStatus(await forgot(person.email.toUpperCase()), 202)
  const token = await tokenFor(person.email, '/account/reset-password')
  expectStatus(await reset(token), 204)
  for (const { accessToken, refreshToken } of [person, again]) {
    assertProblem(await node.call('GET', '/auth/me', accessToken), 'unauthorized')
    const body = { refresh_token: refreshToken }
    assertProblem(await node.call('POST', '/auth/refresh', null, body), 'unauthorized')
  }
  assertProblem(await logIn(node, person.email), 'invalid_credentials')
  const { body } = expectStatus(await logIn(node, person.email, WANTED), 200)
  assert.equal(await isVerified(body.access_token), true, 'the link reached the address')
  assertProblem(await reset(token), 'invalid_request', 'token')
})

test('the answer is the same for an address that nobody has, which gets no e-mail', async () => {
  const { email } = await newPerson(node)
  await verificationToken(email)
  const visible = ({ status, headers, body }: Reply) => ({
    status,
    body,
    headers: [...headers.keys()],
  })
  const unknown = await forgot('nobody@example.com')
  const known = await forgot(email)
  assert.deepEqual(visible(unknown), visible(known))
  assert.deepEqual([unknown.status, unknown.body], [202, { status: 'accepted' }])
  await tokenFor(email, '/account/reset-password')
  await noJobsLeft()
  assert.equal(mail.attempts('nobody@example.com'), 0)
})

test('a link is good for an hour, and its password must follow the rules', async () => {
  const { email } = await newPerson(node)
  await verificationToken(email)
  const token = await resetToken(email)
  for (const weak of ['short', 'password123', email]) {
    assertProblem(await reset(token, weak), 'invalid_request', 'password')
  }
  clock.advance(PASSWORD_RESET_MINUTES * 60_000 - 1)
  const later = await resetToken(email)
  clock.advance(1)
  assertProblem(await reset(token), 'invalid_request', 'token')
  expectStatus(await reset(later), 204)
})

test('a new password makes every other link useless', async () => {
  const { email } = await newPerson(node)
  await verificationToken(email)
  const [one, two] = [await resetToken(email), await resetToken(email)]
  expectStatus(await reset(one), 204)
  assertProblem(await reset(two), 'invalid_request', 'token')
  const three = await resetToken(email)
  const { body } = expectStatus(await logIn(node, email, WANTED), 200)
  const change = { current_password: WANTED, new_password: 'a whale on the sofa' }
  expectStatus(await node.call('POST', '/auth/password/change', body.access_token, change), 204)
  assertProblem(await reset(three), 'invalid_request', 'token')
})

test('of those who follow one link at once, one sets the password', async () => {
  const { email } = await newPerson(node)
  await verificationToken(email)
  const token = await resetToken(email)
  const wanted = Array.from({ length: 6 }, (_, index) => `an otter in bath no. ${index}`)
  const replies = await Promise.all(wanted.map((password) => reset(token, password)))
  assert.deepEqual(replies.map(({ status }) => status).sort(), [204, 400, 400, 400, 400, 400])
  const index = replies.findIndex(({ status }) => status === 204)
  expectStatus(await logIn(node, email, wanted[index]), 200)
})

test('who was locked out by failures comes in again by the link', async () => {
  const { email } = await newPerson(node)
  await verificationToken(email)
  for (let tries = 0; tries < 5; tries += 1) await logIn(node, email, 'not the password')
  assertProblem(await logIn(node, email), 'locked')
  expectStatus(await reset(await resetToken(email)), 204)
  expectStatus(await logIn(node, email, WANTED), 200)
})

test('a mailbox is not flooded by whoever asks again and again', async () => {
  const { email } = await newPerson(node)
  await verificationToken(email)
  for (let asked = 0; asked < EMAIL_TOKENS_PER_PURPOSE_MAX + 4; asked += 1) {
    expectStatus(await forgot(email), 202)
    await noJobsLeft()
  }
  const resets = mail.received.filter(
    ({ to, text }) => to.includes(email) && text.includes('/account/reset-password'),
  )
  assert.equal(resets.length, EMAIL_TOKENS_PER_PURPOSE_MAX)
})

test('a link of another kind, of another address or of somebody who was removed is not good', async () => {
  const person = await newPerson(node)
  const verification = await verificationToken(person.email)
  assertProblem(await reset(verification), 'invalid_request', 'token')
  const token = await resetToken(person.email)
  assertProblem(await verify(token), 'invalid_request', 'token')
  const { memberId } = person
  await pool.query("UPDATE member SET email = 'moved@example.com' WHERE member_id = $1", [memberId])
  assertProblem(await reset(token), 'invalid_request', 'token')
  await pool.query('UPDATE member SET email = $2, removed_at = now() WHERE member_id = $1', [
    memberId,
    person.email,
  ])
  assertProblem(await reset(token), 'invalid_request', 'token')
  for (const wrong of ['x', '', 7, null, {}]) {
    const body = { token: wrong, password: WANTED }
    assertProblem(
      await node.call('POST', '/auth/password/reset', null, body),
      'invalid_request',
      'token',
    )
  }
})

test('the e-mail after the sign-up verifies the address, once', async () => {
  const { email, accessToken, memberId } = await newPerson(node)
  const token = await verificationToken(email)
  assert.equal(await isVerified(accessToken), false)
  const replies = await Promise.all([verify(token), verify(token), verify(token)])
  assert.deepEqual(replies.map(({ status }) => status).sort(), [204, 400, 400])
  assert.equal(await isVerified(accessToken), true)
  const { rows } = await pool.query(
    "SELECT FROM audit WHERE actor_id = $1 AND action = 'member.email_verified'",
    [memberId],
  )
  assert.equal(rows.length, 1)
})

test('who lost that e-mail gets another; who is verified already does not', async () => {
  const { email, accessToken } = await newPerson(node)
  const lost = await verificationToken(email)
  const resend = () => node.call('POST', '/auth/email/verify/resend', accessToken)
  expectStatus(await resend(), 202)
  expectStatus(await verify(await verificationToken(email)), 204)
  assertProblem(await verify(lost), 'invalid_request', 'token')
  const before = mail.attempts(email)
  expectStatus(await resend(), 202)
  await noJobsLeft()
  assert.equal(mail.attempts(email), before)
})

test('an e-mail that its server does not take uses up no link', async () => {
  const { email } = await newPerson(node)
  await verificationToken(email)
  mail.refuse(email, 550)
  expectStatus(await forgot(email), 202)
  await until('somebody tried to send', () => mail.attempts(email) >= 2)
  await noJobsLeft()
  const { rows } = await pool.query(
    "SELECT FROM email_token WHERE email = $1 AND purpose = 'password_reset'",
    [email],
  )
  assert.equal(rows.length, 0)
})

test('neither jobs nor the database hold a token that could be used', async () => {
  const { email } = await newPerson(node)
  await verificationToken(email)
  const token = await resetToken(email)
  const { rows } = await pool.query(
    `SELECT encode(token_hash, 'hex') AS hex, encode(token_hash, 'base64') AS base64
     FROM email_token WHERE email = $1 AND purpose = 'password_reset'`,
    [email],
  )
  assert.equal(rows.length, 1)
  for (const kept of [rows[0].hex, rows[0].base64]) {
    assertProblem(await reset(kept), 'invalid_request', 'token')
  }
  assert.ok(!JSON.stringify(rows).includes(token))
  expectStatus(await reset(token), 204)
})

test('links that expired a day ago are deleted; others stay', async () => {
  const { email } = await newPerson(node)
  await verificationToken(email)
  const token = await resetToken(email)
  await pool.query(
    `INSERT INTO email_token (token_hash, purpose, member_no, email, expires_at)
     SELECT decode(lpad(n::text, 64, '0'), 'hex'), 'password_reset', member_no, email, '2026-01-01'
     FROM member, generate_series(1, 1200) AS n WHERE email = $1`,
    [email],
  )
  await emptySignInTrash(pool, clock.now())
  const { rows } = await pool.query(
    "SELECT FROM email_token WHERE expires_at < '2026-02-01' AND email = $1",
    [email],
  )
  assert.equal(rows.length, 0)
  expectStatus(await reset(token), 204)
})

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertProblem } from '../../../test/api-problem.ts'
import { send } from '../../../test/api-request.ts'
import { testDatabase } from '../../../test/database.ts'
import { expectStatus, nodeOn, type Reply, type TestNode } from '../../../test/node.ts'
import { newPerson, PASSWORD } from '../../../test/people.ts'

const FRIEND = 'https://console.example.com'
const database = await testDatabase()
const node = await nodeOn(database, { corsOrigins: [FRIEND] })
const behindProxy = await nodeOn(database, { publicUrl: 'https://api.example.com/tollgate' })
after(async () => {
  await Promise.all([node.stop(), behindProxy.stop()])
  await database.drop()
})

const browser = (
  cookie: string,
  path: string,
  more: { at?: TestNode; headers?: Record<string, string>; body?: unknown } = {},
) => {
  const { at = node, headers = { origin: node.url }, body = {} } = more
  return send(at.url, null, { method: 'POST', path, headers: { cookie, ...headers }, body })
}
const cookieOf = (reply: Reply) => (reply.headers.get('set-cookie') ?? '').split(';')[0]!
const signInWithCookie = async (at = node): Promise<Reply> => {
  const { email } = await newPerson(at)
  const body = { email, password: PASSWORD, cookie: true }
  return expectStatus(await at.call('POST', '/auth/login', null, body), 200)
}

test('a browser is refreshed by its cookie, gets the next as a cookie, and never sees one in a body', async () => {
  const signedIn = await signInWithCookie()
  assert.equal(signedIn.body.refresh_token, undefined)
  let cookie = cookieOf(signedIn)
  for (let round = 0; round < 3; round += 1) {
    const reply = expectStatus(await browser(cookie, '/auth/refresh'), 200)
    assert.equal(reply.body.refresh_token, undefined)
    assert.notEqual(cookieOf(reply), cookie)
    cookie = cookieOf(reply)
    expectStatus(await node.call('GET', '/auth/me', reply.body.access_token), 200)
  }
})

test('without https the cookie has no Secure; behind a proxy with https and a path it has both', async () => {
  const plain = (await signInWithCookie()).headers.get('set-cookie')!
  assert.match(plain, /; Path=\/auth; HttpOnly; SameSite=Strict$/)
  const secure = (await signInWithCookie(behindProxy)).headers.get('set-cookie')!
  assert.match(secure, /; Path=\/tollgate\/auth; HttpOnly; Secure; SameSite=Strict$/)
})

test('pages of other origins, forms and pages without an origin cannot use the cookie', async () => {
  const signedIn = await signInWithCookie()
  const cookie = cookieOf(signedIn)
  const port = new URL(node.url).port
  const attacks: Record<string, string>[] = [
    {},
    { origin: 'null' },
    { origin: 'https://evil.example' },
    { origin: `${node.url}.evil.example` },
    { origin: `http://evil.example:${port}` },
    { origin: `https://${new URL(node.url).hostname}` },
    { origin: 'https://console.example.com.evil.example' },
    { origin: `${FRIEND}:444` },
    { origin: '' },
  ]
  for (const path of ['/auth/refresh', '/auth/logout']) {
    for (const headers of attacks) {
      assertProblem(await browser(cookie, path, { headers }), 'forbidden')
    }
    const noType = await send(node.url, null, {
      method: 'POST',
      path,
      headers: { cookie, origin: node.url },
    })
    assertProblem(noType, 'forbidden')
    for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
      const headers = { origin: node.url, 'content-type': type }
      assertProblem(await browser(cookie, path, { headers, body: '{}' }), 'unsupported_media_type')
    }
  }
  expectStatus(await browser(cookie, '/auth/refresh'), 200)
})

test('pages of an origin that the operator named may', async () => {
  const cookie = cookieOf(await signInWithCookie())
  expectStatus(await browser(cookie, '/auth/refresh', { headers: { origin: FRIEND } }), 200)
})

test('behind a proxy only pages of the public address may, whatever the Host says', async () => {
  const cookie = cookieOf(await signInWithCookie(behindProxy))
  const at = behindProxy
  const direct = await browser(cookie, '/auth/refresh', { at, headers: { origin: at.url } })
  assertProblem(direct, 'forbidden')
  const headers = { origin: 'https://api.example.com' }
  expectStatus(await browser(cookie, '/auth/refresh', { at, headers }), 200)
})

test('who signs out loses the cookie, and so does who comes with one that is good no more', async () => {
  const cookie = cookieOf(await signInWithCookie())
  const out = expectStatus(await browser(cookie, '/auth/logout'), 204)
  assert.match(
    out.headers.get('set-cookie')!,
    /^tollgate_refresh=; Max-Age=0; Path=\/auth; Expires=Thu, 01 Jan 1970 /,
  )
  const refused = await browser(cookie, '/auth/refresh')
  assertProblem(refused, 'unauthorized')
  assert.match(
    refused.headers.get('set-cookie')!,
    /^tollgate_refresh=; Max-Age=0; Path=\/auth; Expires=Thu, 01 Jan 1970 /,
  )
})

test('the token in the body wins over a cookie, which needs no origin then', async () => {
  const cookie = cookieOf(await signInWithCookie())
  const { refreshToken } = await newPerson(node)
  const body = { refresh_token: refreshToken }
  const reply = expectStatus(await browser(cookie, '/auth/refresh', { headers: {}, body }), 200)
  assert.match(reply.body.refresh_token, /^tg_ref_/)
  assert.equal(reply.headers.get('set-cookie'), null)
})

test('broken cookies are no cookies', async () => {
  for (const cookie of [
    'tollgate_refresh',
    'tollgate_refresh=',
    '=;;=',
    'a=%zz',
    ';'.repeat(500),
  ]) {
    assertProblem(await browser(cookie, '/auth/refresh'), 'invalid_request', 'refresh_token')
  }
  assertProblem(await browser('tollgate_refresh=%E0%A4%A', '/auth/refresh'), 'unauthorized')
})

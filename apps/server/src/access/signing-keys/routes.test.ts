import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  createRemoteJWKSet,
  decodeProtectedHeader,
  generateKeyPair,
  jwtVerify,
  SignJWT,
} from 'jose'
import { watched } from '../../../test/api-contract.ts'
import { assertProblem } from '../../../test/api-problem.ts'
import { testDatabase } from '../../../test/database.ts'
import { expectStatus, nodeOn } from '../../../test/node.ts'
import { newPerson, signedInAgain } from '../../../test/people.ts'

const database = await testDatabase()
const node = watched(await nodeOn(database))
const otherNode = watched(await nodeOn(database))
after(async () => {
  await Promise.all([node.stop(), otherNode.stop()])
  await database.drop()
})
const rotate = (key: string | null) => node.call('POST', '/api/admin/signing-keys/rotate', key)
const me = (token: string, at = node) => at.call('GET', '/auth/me', token)

test('a rotation signs nobody out, on any node, and the next tokens are signed by the new key', async () => {
  const person = await newPerson(node)
  expectStatus(await me(person.accessToken, otherNode), 200)
  const { body } = expectStatus(await rotate(node.operatorKey), 201)
  for (const at of [node, otherNode]) expectStatus(await me(person.accessToken, at), 200)
  const refreshed = await node.call('POST', '/auth/refresh', null, {
    refresh_token: person.refreshToken,
  })
  const token = expectStatus(refreshed, 200).body.access_token
  assert.equal(decodeProtectedHeader(token).kid, body.key_id)
  expectStatus(await me(token), 200)
})

test('the key set is public, may be kept for a while, and verifies what was signed before and after', async () => {
  const person = await newPerson(node)
  expectStatus(await rotate(node.operatorKey), 201)
  const again = await signedInAgain(node, person)
  const reply = expectStatus(await node.call('GET', '/.well-known/jwks.json', null), 200)
  assert.equal(reply.headers.get('cache-control'), 'public, max-age=300')
  assert.ok(!JSON.stringify(reply.body).includes('"d"'))
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', node.url))
  for (const token of [person.accessToken, again.accessToken]) {
    const { payload } = await jwtVerify(token, keys, { issuer: 'tollgate', typ: 'at+jwt' })
    assert.equal(payload.sub, person.memberId)
  }
})

test('only an admin may rotate', async () => {
  const person = await newPerson(node)
  const { key } = await node.tenant()
  for (const credential of [person.accessToken, key]) {
    assertProblem(await rotate(credential), 'forbidden')
  }
  assertProblem(await rotate(null), 'unauthorized')
})

test("a good-looking token of somebody else's key is refused on every kind of route", async () => {
  const person = await newPerson(node)
  const [, payload] = person.accessToken.split('.') as [string, string]
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const { kid } = decodeProtectedHeader(person.accessToken)
  const { privateKey } = await generateKeyPair('EdDSA')
  const forged = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: kid! })
    .sign(privateKey)
  const none = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${payload}.`
  for (const token of [forged, none, person.accessToken.slice(0, -8)]) {
    for (const [method, path] of [
      ['GET', '/auth/me'],
      ['POST', '/api/track'],
      ['GET', '/api/quota'],
      ['GET', '/api/admin/tenants'],
    ] as const) {
      const body = method === 'POST' ? { endpoint: '/x' } : undefined
      assertProblem(await node.call(method, path, token, body), 'unauthorized')
    }
  }
})

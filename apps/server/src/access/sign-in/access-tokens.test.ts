import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { testDatabase } from '../../../test/database.ts'
import { handClock } from '../../../test/hand-clock.ts'
import { createPool } from '../../db/pool.ts'
import { ACCESS_TOKEN_SECONDS } from '../../limits.ts'
import { AccessTokens } from './access-tokens.ts'

const NOON = Date.parse('2026-03-10T12:00:00Z')
const clock = handClock(NOON)
const database = await testDatabase()
const pool = createPool(database.url, () => {})
after(async () => {
  await pool.end()
  await database.drop()
})

const tokens = new AccessTokens({ pool, clock })
const who = { memberId: 'mem_1', tenantId: 'ten_1', role: 'owner', sessionId: 'ses_1' }
const good = await tokens.sign(who)
const [goodHeader, goodPayload, goodSignature] = good.split('.') as [string, string, string]
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const header = decodeProtectedHeader(good)
const claims = decodeJwt(good)
const { privateKey } = await tokens.keys.signing()
/** Signed by the right key, however wrong the rest is. */
const signed = (payload: object, head: object = {}) =>
  new SignJWT({ ...payload })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: header.kid!, ...head })
    .sign(privateKey)

test('a token says who, of which tenant, in which role and session, and until when', async () => {
  assert.deepEqual(header, { alg: 'EdDSA', typ: 'at+jwt', kid: header.kid })
  assert.match(claims.jti!, /^[0-9a-f-]{36}$/)
  assert.deepEqual(
    { ...claims, jti: null },
    {
      iss: 'tollgate',
      sub: 'mem_1',
      tenant_id: 'ten_1',
      role: 'owner',
      sid: 'ses_1',
      jti: null,
      iat: NOON / 1_000,
      exp: NOON / 1_000 + ACCESS_TOKEN_SECONDS,
    },
  )
  const expiresAt = NOON + ACCESS_TOKEN_SECONDS * 1_000
  assert.deepEqual(await tokens.verify(good), { memberId: 'mem_1', sessionId: 'ses_1', expiresAt })
})

test("one of the operator's people has no tenant, and no two tokens are the same", async () => {
  const [one, two] = await Promise.all([1, 2].map(() => tokens.sign({ ...who, tenantId: null })))
  assert.ok(!('tenant_id' in decodeJwt(one!)))
  assert.notEqual(decodeJwt(one!).jti, decodeJwt(two!).jti)
})

test('a token is good to its last moment, and not in the next', async () => {
  clock.set(NOON + ACCESS_TOKEN_SECONDS * 1_000 - 1)
  assert.ok(await tokens.verify(good))
  clock.set(NOON + ACCESS_TOKEN_SECONDS * 1_000)
  assert.equal(await tokens.verify(good), null)
  clock.set(NOON)
  assert.ok(await tokens.verify(good))
})

test('“alg: none”, in every spelling, is refused', async () => {
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '', null]) {
    for (const signature of ['', goodSignature]) {
      const head = part({ ...header, alg })
      assert.equal(await tokens.verify(`${head}.${goodPayload}.${signature}`), null, String(alg))
    }
  }
})

test('our public key, taken for a secret, signs nothing', async () => {
  const [published] = await tokens.keys.published()
  const secrets = [published!.x, Buffer.from(published!.x, 'base64url'), JSON.stringify(published)]
  for (const secret of secrets) {
    const head = part({ ...header, alg: 'HS256' })
    const mac = createHmac('sha256', secret).update(`${head}.${goodPayload}`).digest('base64url')
    assert.equal(await tokens.verify(`${head}.${goodPayload}.${mac}`), null)
  }
})

test("another's key is refused, also under our key's name or brought along in the token", async () => {
  const other = await generateKeyPair('EdDSA', { extractable: true })
  const jwk = await exportJWK(other.publicKey)
  const heads = [
    { kid: header.kid! },
    { kid: 'sig_theirs' },
    { kid: header.kid!, jwk },
    { jwk },
    {},
  ]
  for (const head of heads) {
    const forged = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', ...head })
      .sign(other.privateKey)
    assert.equal(await tokens.verify(forged), null, JSON.stringify(head))
  }
  for (const alg of ['ES256', 'RS256', 'PS512', 'Ed25519']) {
    const pair = await generateKeyPair(alg)
    const forged = await new SignJWT(claims)
      .setProtectedHeader({ alg, typ: 'at+jwt', kid: header.kid! })
      .sign(pair.privateKey)
    assert.equal(await tokens.verify(forged), null, alg)
  }
})

test('a token that was changed anywhere is refused', async () => {
  const changed = { ...claims, sub: 'mem_2', role: 'admin' }
  assert.equal(await tokens.verify(`${goodHeader}.${part(changed)}.${goodSignature}`), null)
  const head = part({ ...header, x: 1 })
  assert.equal(await tokens.verify(`${head}.${goodPayload}.${goodSignature}`), null)
  const flipped = goodSignature.startsWith('A') ? 'B' : 'A'
  assert.equal(
    await tokens.verify(`${goodHeader}.${goodPayload}.${flipped}${goodSignature.slice(1)}`),
    null,
  )
})

test('what our key signed for something else is no access token', async () => {
  assert.ok(await tokens.verify(await signed(claims)))
  assert.equal(await tokens.verify(await signed(claims, { typ: 'JWT' })), null)
  assert.equal(await tokens.verify(await signed(claims, { typ: undefined })), null)
  assert.equal(await tokens.verify(await signed({ ...claims, iss: 'other' })), null)
  for (const missing of ['iss', 'sub', 'sid', 'exp', 'iat', 'jti'] as const) {
    assert.equal(await tokens.verify(await signed({ ...claims, [missing]: undefined })), null)
  }
  for (const wrong of [
    { sub: 1 },
    { sid: {} },
    { sid: null },
    { exp: '9999999999' },
    { exp: null },
  ]) {
    assert.equal(
      await tokens.verify(await signed({ ...claims, ...(wrong as object) })),
      null,
      JSON.stringify(wrong),
    )
  }
})

test('what is no token at all is refused, and nothing is thrown', async () => {
  const garbage = [
    '',
    '.',
    '..',
    '...',
    'eyJ',
    'eyJ.eyJ.eyJ',
    'x'.repeat(10_000),
    `${goodHeader}.${goodPayload}`,
    `${good}.${good}`,
    `${part([])}.${goodPayload}.${goodSignature}`,
    `${part(null)}.${goodPayload}.${goodSignature}`,
    `${part({ ...header, crit: ['b64'], b64: false })}.${goodPayload}.${goodSignature}`,
    `${part({ ...header, crit: ['x'], x: 1 })}.${goodPayload}.${goodSignature}`,
    ...[1, null, {}, [], '__proto__', 'constructor', '', 'a'.repeat(5_000)].map(
      (kid) => `${part({ ...header, kid })}.${goodPayload}.${goodSignature}`,
    ),
    ...Array.from({ length: 50 }, () => randomBytes(60).toString('base64url')),
  ]
  for (const token of garbage) assert.equal(await tokens.verify(token), null, token.slice(0, 80))
})

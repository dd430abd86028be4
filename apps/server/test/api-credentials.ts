import { createHmac } from 'node:crypto'
import { KEY_SCOPES, MEMBER_ROLES, STAFF_ROLES } from '@tollgate/contract'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { AccessTokens } from '../src/access/sign-in/access-tokens.ts'
import type { Role } from '../src/lib/caller.ts'
import { ACCESS_TOKEN_SECONDS } from '../src/limits.ts'
import { signedIn, signInAs } from './members.ts'
import { expectStatus, type TestNode } from './node.ts'

/** Something to send after `Bearer`, and the roles it should have; null: it should be refused. */
export type Credential = { bearer: string | null; roles: Role[] | null; person: boolean }

/** One of each kind that is good, of the tenant `tenantId` where it belongs to one. */
export async function goodCredentials(
  node: TestNode,
  tenantId: string,
): Promise<Record<string, Credential>> {
  const good: Record<string, Credential> = {}
  const key = (bearer: string, roles: Role[]) => ({ bearer, roles, person: false })
  for (const scope of KEY_SCOPES) {
    const made = await tenantKey(node, tenantId, { scopes: [scope] })
    good[`key that may ${scope}`] = key(made.key, [`key_${scope}`])
  }
  const usual = await tenantKey(node, tenantId, {})
  good['usual key'] = key(usual.key, ['key_track', 'key_read'])
  good['key of a service'] = key((await node.service()).key, ['service'])
  good['operator key'] = key(node.operatorKey, ['admin'])
  for (const role of [...STAFF_ROLES, ...MEMBER_ROLES]) {
    const side = MEMBER_ROLES.some((one) => one === role) ? tenantId : null
    const { accessToken } = await signedIn(node, role, side)
    good[role] = { bearer: accessToken, roles: ['person', role], person: true }
  }
  return good
}

/** Of each way to be refused one, made from what would be good otherwise. */
export async function badCredentials(
  node: TestNode,
  tenantId: string,
): Promise<Record<string, Credential>> {
  const bad: Record<string, string | null> = {
    nothing: null,
    garbage: 'not-a-key-but-long-enough-to-be-one',
    ...(await badKeys(node, tenantId)),
    ...(await badTokens(node, tenantId)),
  }
  const credential = (bearer: string | null) => ({ bearer, roles: null, person: false })
  return Object.fromEntries(Object.entries(bad).map(([name, bearer]) => [name, credential(bearer)]))
}

async function badKeys(node: TestNode, tenantId: string): Promise<Record<string, string>> {
  const { pool } = node.server
  const revoked = await tenantKey(node, tenantId, {})
  expectStatus(await node.admin('DELETE', `/api/admin/keys/${revoked.key_id}`), 204)
  const expired = await tenantKey(node, tenantId, {})
  const past = "now() - interval '1 minute'"
  await pool.query(`UPDATE api_key SET expires_at = ${past} WHERE key_id = $1`, [expired.key_id])
  const replaced = await tenantKey(node, tenantId, {})
  const rotate = `/api/admin/tenants/${tenantId}/keys/${replaced.key_id}/rotate`
  expectStatus(await node.admin('POST', rotate, { overlap_seconds: 0 }), 200)
  const good = await tenantKey(node, tenantId, {})
  return {
    'mistyped key': mistyped(good.key),
    'revoked key': revoked.key,
    'expired key': expired.key,
    'replaced secret of a key': replaced.key,
  }
}

async function badTokens(node: TestNode, tenantId: string): Promise<Record<string, string>> {
  const owner = await signedIn(node, 'owner', tenantId)
  const [head, claims, signature] = owner.accessToken.split('.') as [string, string, string]
  const { privateKey, publicKey } = await generateKeyPair('EdDSA')
  const sign = (header: object, more: object) =>
    new SignJWT({ ...decoded(claims), ...more })
      .setProtectedHeader(header as { alg: string })
      .sign(privateKey)

  const signedOut = await signInAs(node, owner.email)
  const logout = { refresh_token: signedOut.refreshToken }
  expectStatus(await node.call('POST', '/auth/logout', signedOut.accessToken, logout), 204)
  const removed = await signedIn(node, 'owner', tenantId)
  await node.server.pool.query('UPDATE member SET removed_at = now() WHERE member_id = $1', [
    removed.memberId,
  ])
  return {
    'token without algorithm': `${encoded({ ...decoded(head), alg: 'none' })}.${claims}.`,
    'token with its signature cut off': `${head}.${claims}.`,
    'token with another role': `${head}.${encoded({ ...decoded(claims), role: 'admin' })}.${signature}`,
    'token of another tenant': `${head}.${encoded({ ...decoded(claims), tenant_id: 'other' })}.${signature}`,
    'token signed by a stranger under our key id': await sign(decoded(head), {}),
    'token signed by a stranger who brings the key': await sign(
      { ...decoded(head), kid: undefined, jwk: await exportJWK(publicKey) },
      {},
    ),
    'token signed with the public key as a shared secret': await confused(node, head, claims),
    'token that has expired': await expired(node, decoded(claims)),
    'token of a session that has ended': signedOut.accessToken,
    'token of somebody who was removed': removed.accessToken,
    'refresh token': owner.refreshToken,
  }
}

/** Signed by our own key, of a session that lives. */
function expired(node: TestNode, claims: Record<string, unknown>): Promise<string> {
  const { pool, clock } = node.server
  const then = clock.now() - (ACCESS_TOKEN_SECONDS + 1) * 1_000
  return new AccessTokens({ pool, clock: { now: () => then } }).sign({
    memberId: claims.sub as string,
    tenantId: claims.tenant_id as string,
    role: claims.role as string,
    sessionId: claims.sid as string,
  })
}

/** What a verifier takes that believes the header's algorithm. */
async function confused(node: TestNode, head: string, claims: string): Promise<string> {
  const { keys } = (await node.call('GET', '/.well-known/jwks.json', null)).body
  const signed = `${encoded({ ...decoded(head), alg: 'HS256' })}.${claims}`
  const mac = createHmac('sha256', Buffer.from(keys[0].x, 'base64url')).update(signed)
  return `${signed}.${mac.digest('base64url')}`
}

export async function tenantKey(
  node: TestNode,
  tenantId: string,
  body: object,
): Promise<{ key: string; key_id: string }> {
  return expectStatus(await node.admin('POST', `/api/admin/tenants/${tenantId}/keys`, body), 201)
    .body
}

export function mistyped(key: string): string {
  const last = key.at(-9) === 'a' ? 'b' : 'a'
  return key.slice(0, -9) + last + key.slice(-8)
}

function decoded(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString())
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

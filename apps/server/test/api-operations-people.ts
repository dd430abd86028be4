import { createHash, randomBytes } from 'node:crypto'
import { MEMBER_ROLES, type MemberRole, STAFF_ROLES, type StaffRole } from '@tollgate/contract'
import type { Credential } from './api-credentials.ts'
import { get, type Operation, patch, post, remove } from './api-operation.ts'
import { type Member, signedIn } from './members.ts'
import { expectStatus, type TestNode } from './node.ts'
import { PASSWORD } from './people.ts'

const OTHER_PASSWORD = 'another walk, over another bridge'

/** How the operations for people succeed: signing in, their own profile, members, staff, audit. */
export function operationsForPeople(node: TestNode, tenantId: string): Record<string, Operation> {
  return {
    ...signingIn(node, tenantId),
    ...byEmail(node, tenantId),
    ...profile(node, tenantId),
    ...members(node, tenantId),
    ...staff(node),
    ...oversight(node, tenantId),
  }
}

function signingIn(node: TestNode, tenantId: string): Record<string, Operation> {
  const somebody = () => signedIn(node, 'viewer', tenantId)
  const refreshing = async () => ({ refresh_token: (await somebody()).refreshToken })
  return {
    'POST /auth/signup': post(201, async () => [
      '/auth/signup',
      { email: newEmail(), password: PASSWORD, name: 'Pat' },
    ]),
    'POST /auth/login': post(200, async () => [
      '/auth/login',
      { email: (await somebody()).email, password: PASSWORD },
    ]),
    'POST /auth/refresh': post(200, async () => ['/auth/refresh', await refreshing()]),
    'POST /auth/logout': post(204, async () => ['/auth/logout', await refreshing()]),
    'GET /.well-known/jwks.json': get('/.well-known/jwks.json'),
  }
}

function byEmail(node: TestNode, tenantId: string): Record<string, Operation> {
  const token = (purpose: string) => emailToken(node, tenantId, purpose)
  return {
    'POST /auth/password/forgot': post(202, async () => [
      '/auth/password/forgot',
      { email: newEmail() },
    ]),
    'POST /auth/password/reset': post(204, async () => [
      '/auth/password/reset',
      { token: await token('password_reset'), password: OTHER_PASSWORD },
    ]),
    'POST /auth/email/verify': post(204, async () => [
      '/auth/email/verify',
      { token: await token('email_verification') },
    ]),
    'POST /auth/invitations/accept': post(201, async () => [
      '/auth/invitations/accept',
      { token: await invitationToken(node, tenantId), name: 'Pat', password: PASSWORD },
    ]),
  }
}

function profile(node: TestNode, tenantId: string): Record<string, Operation> {
  /** What ends a session or changes a password is done by somebody else of the same role. */
  const byAnother = (
    as: Credential,
    request: (other: Member) => Promise<{ method: string; path: string; body?: unknown }>,
  ) => asAnother(node, tenantId, as, request)
  return {
    'GET /auth/me': get('/auth/me'),
    'GET /auth/sessions': get('/auth/sessions'),
    'DELETE /auth/sessions/{id}': {
      ok: 204,
      request: (as) =>
        byAnother(as, async ({ accessToken }) => {
          const { data } = (await node.call('GET', '/auth/sessions', accessToken)).body
          return { method: 'DELETE', path: `/auth/sessions/${data[0].session_id}` }
        }),
    },
    'POST /auth/password/change': {
      ok: 204,
      request: (as) =>
        byAnother(as, async () => ({
          method: 'POST',
          path: '/auth/password/change',
          body: { current_password: PASSWORD, new_password: OTHER_PASSWORD },
        })),
    },
    'POST /auth/email/verify/resend': post(202, async () => [
      '/auth/email/verify/resend',
      undefined,
    ]),
  }
}

function members(node: TestNode, tenantId: string): Record<string, Operation> {
  const somebody = async () => `/api/members/${(await signedIn(node, 'viewer', tenantId)).memberId}`
  const invitation = async () => {
    const path = '/api/members/invitations'
    const owner = await signedIn(node, 'owner', tenantId)
    const body = { email: newEmail(), role: 'viewer' }
    const made = expectStatus(await node.call('POST', path, owner.accessToken, body), 201)
    return `${path}/${made.body.invitation_id}`
  }
  return {
    'GET /api/members': get('/api/members'),
    'PATCH /api/members/{id}': patch(200, async () => [await somebody(), { name: 'Robin' }]),
    'DELETE /api/members/{id}': remove(204, somebody),
    'GET /api/members/invitations': get('/api/members/invitations'),
    'POST /api/members/invitations': post(201, async () => [
      '/api/members/invitations',
      { email: newEmail(), role: 'viewer' },
    ]),
    'DELETE /api/members/invitations/{id}': remove(204, invitation),
    'GET /api/admin/tenants/{id}/members': get(`/api/admin/tenants/${tenantId}/members`),
  }
}

function staff(node: TestNode): Record<string, Operation> {
  const path = '/api/admin/members'
  const somebody = async () => `${path}/${(await signedIn(node, 'support')).memberId}`
  const wanted = () => ({ email: newEmail(), role: 'support' })
  const invitation = async () => {
    const made = expectStatus(await node.admin('POST', `${path}/invitations`, wanted()), 201)
    return `${path}/invitations/${made.body.invitation_id}`
  }
  return {
    'GET /api/admin/members': get(path),
    'PATCH /api/admin/members/{id}': patch(200, async () => [await somebody(), { name: 'Robin' }]),
    'DELETE /api/admin/members/{id}': remove(204, somebody),
    'GET /api/admin/members/invitations': get(`${path}/invitations`),
    'POST /api/admin/members/invitations': post(201, async () => [`${path}/invitations`, wanted()]),
    'DELETE /api/admin/members/invitations/{id}': remove(204, invitation),
  }
}

function oversight(node: TestNode, tenantId: string): Record<string, Operation> {
  const somebody = () => signedIn(node, 'viewer', tenantId)
  return {
    'GET /api/audit': get('/api/audit'),
    'GET /api/admin/audit': get('/api/admin/audit'),
    'POST /api/admin/tenants/{id}/unlock': post(204, async () => [
      `/api/admin/tenants/${tenantId}/unlock`,
      undefined,
    ]),
    'POST /api/admin/members/{id}/unlock': post(204, async () => [
      `/api/admin/members/${(await somebody()).memberId}/unlock`,
      undefined,
    ]),
    'POST /api/admin/signing-keys/rotate': post(201, async () => [
      '/api/admin/signing-keys/rotate',
      undefined,
    ]),
  }
}

async function asAnother(
  node: TestNode,
  tenantId: string,
  as: Credential,
  request: (other: Member) => Promise<{ method: string; path: string; body?: unknown }>,
) {
  const isStaff = STAFF_ROLES.some((role) => as.roles?.includes(role))
  const role = [...STAFF_ROLES, ...MEMBER_ROLES].find((one) => as.roles?.includes(one))
  const other = await signedIn(node, role ?? 'viewer', isStaff ? null : tenantId)
  return { ...(await request(other)), ...(as.person ? { bearer: other.accessToken } : {}) }
}

/** As the e-mail brings it; what is stored is its hash. */
async function emailToken(node: TestNode, tenantId: string, purpose: string): Promise<string> {
  const { memberId, email } = await signedIn(node, 'viewer', tenantId)
  const token = randomBytes(32).toString('base64url')
  await node.server.pool.query('UPDATE member SET email_verified_at = NULL WHERE member_id = $1', [
    memberId,
  ])
  await node.server.pool.query(
    `INSERT INTO email_token (token_hash, purpose, member_no, email, expires_at)
     SELECT $1, $2, member_no, $3, now() + interval '1 hour' FROM member WHERE member_id = $4`,
    [hashOf(token), purpose, email, memberId],
  )
  return token
}

async function invitationToken(node: TestNode, tenantId: string): Promise<string> {
  const owner = await signedIn(node, 'owner', tenantId)
  const body = { email: newEmail(), role: 'viewer' satisfies MemberRole | StaffRole }
  const made = await node.call('POST', '/api/members/invitations', owner.accessToken, body)
  const token = randomBytes(32).toString('base64url')
  await node.server.pool.query('UPDATE invitation SET token_hash = $1 WHERE invitation_id = $2', [
    hashOf(token),
    expectStatus(made, 201).body.invitation_id,
  ])
  return token
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

function newEmail(): string {
  return `${crypto.randomUUID()}@example.com`
}

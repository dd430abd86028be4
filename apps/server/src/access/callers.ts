import type { KeyScope, MemberRole, StaffRole } from '@tollgate/contract'
import type { Caller, Permission, Role } from '../lib/caller.ts'
import type { Policy } from './policy/policy.ts'
import type { KeyRow } from './store.ts'

const TRACK: Permission = { object: 'events', action: 'track' }

/** What a key makes of who sends it. */
export function callerOfKey(row: KeyRow, policy: Policy): Caller {
  const roles = rolesOfKey(row)
  return {
    credential: `${row.kind}_key`,
    id: row.key_id,
    senderNo: row.key_no,
    roles,
    tenant: tenantOf(row),
    serviceName: row.service_name,
    sessionId: null,
    scopes: row.kind === 'tenant' ? (row.scopes as KeyScope[]) : [],
    validUntil: row.valid_until ?? Number.POSITIVE_INFINITY,
    mayTrack: policy.permits(roles, TRACK),
  }
}

/** A person, as the database knows them now: a role that was changed holds at once, whatever the token says. */
export type SignedIn = {
  member_no: number
  member_id: string
  role: string
  tenant_no: number | null
  tenant_id: string | null
}

/** What an access token makes of who sends it. */
export function callerOfToken(
  row: SignedIn,
  claims: { sessionId: string; expiresAt: number },
  policy: Policy,
): Caller {
  const roles: Role[] = ['person', row.role as StaffRole | MemberRole]
  return {
    credential: 'token',
    id: row.member_id,
    senderNo: -row.member_no,
    roles,
    tenant: tenantOf(row),
    serviceName: null,
    sessionId: claims.sessionId,
    scopes: [],
    validUntil: claims.expiresAt,
    mayTrack: policy.permits(roles, TRACK),
  }
}

function rolesOfKey({ kind, scopes }: KeyRow): Role[] {
  if (kind === 'operator') return ['admin']
  if (kind === 'service') return ['service']
  return scopes.map((scope) => `key_${scope as KeyScope}` as const)
}

function tenantOf(row: { tenant_no: number | null; tenant_id: string | null }): Caller['tenant'] {
  return row.tenant_no === null ? null : { tenantNo: row.tenant_no, tenantId: row.tenant_id! }
}

/** Of the operator's people. */
export const STAFF_ROLES = ['admin', 'support'] as const
export type StaffRole = (typeof STAFF_ROLES)[number]

/** Of a tenant's people. */
export const MEMBER_ROLES = ['owner', 'developer', 'finance', 'viewer'] as const
export type MemberRole = (typeof MEMBER_ROLES)[number]

/** What a tenant's key may do: meter calls; read the tenant's numbers; read them and manage its keys and members. */
export const KEY_SCOPES = ['track', 'read', 'admin'] as const
export type KeyScope = (typeof KEY_SCOPES)[number]

import type { KeyScope, MemberRole, StaffRole } from '@tollgate/contract'

/** What a credential lets somebody do; the rows of access/policy/policy.csv say what that is. */
export type Role = 'anyone' | 'person' | StaffRole | MemberRole | 'service' | `key_${KeyScope}`

/** What a route does to what: `usage`, `read`. */
export type Permission = { readonly object: string; readonly action: string }

/** Who sent a request, as its key or access token says. */
export type Caller = {
  readonly credential: 'tenant_key' | 'service_key' | 'operator_key' | 'token'
  /** `key_…` of a key, `mem_…` of a person. */
  readonly id: string
  /** Under which a log remembers who sent a line: a key's number, or below zero a member's. */
  readonly senderNo: number
  readonly roles: readonly Role[]
  /** Whose it is and of whom alone it may speak; null: may speak of any tenant. */
  readonly tenant: { readonly tenantNo: number; readonly tenantId: string } | null
  /** Of a service's key. */
  readonly serviceName: string | null
  /** Of an access token. */
  readonly sessionId: string | null
  /** Scopes of a key; empty for others. */
  readonly scopes: readonly KeyScope[]
  /** When the key or token expires, ms; Infinity: never. */
  readonly validUntil: number
  /** Looked up once, since nearly every request is one to track. */
  readonly mayTrack: boolean
}

/** Who changes something, as the audit log will tell it. */
export type Actor = {
  readonly kind:
    | 'member'
    | 'operator_key'
    | 'service_key'
    | 'tenant_key'
    | 'command_line'
    | 'system'
  /** `mem_…`, `key_…`; null: nobody in particular. */
  readonly id: string | null
  readonly address: string | null
  readonly requestId: string | null
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before the handler of every route but the public ones runs. */
    caller: Caller
    /** The caller, from where, by which request. */
    actor(): Actor
    /**
     * Whether who sent this, perhaps long ago, might send it now: of a key that was revoked and a role
     * that was changed it knows as soon as any request does.
     */
    stillMay(): Promise<boolean>
    /**
     * The number of the tenant that a request is about: the caller's own, or the one it names. Who
     * belongs to a tenant speaks for that one only; another one's name is answered as one that does
     * not exist.
     * @throws ProblemError invalid_request, tenant_not_found
     */
    tenantNo(tenantId: string | undefined): number | Promise<number>
  }
  interface FastifySchema {
    /** `object:action`, for the contract. */
    'x-access'?: string
  }
  interface FastifyContextConfig {
    /** What the route does to what. A route that does not say so, or names what no role may do, does not start. */
    access?: Permission
  }
}

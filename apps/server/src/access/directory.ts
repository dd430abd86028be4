import { LRUCache } from 'lru-cache'
import type pg from 'pg'
import type { Caller } from '../lib/caller.ts'
import { ProblemError } from '../lib/problem-error.ts'
import { KEY_CACHE_SECONDS, KEYS_CACHED_MAX, TENANTS_CACHED_MAX } from '../limits.ts'
import { hashKey, mayBeKey } from './key-format.ts'
import { type KeyRow, readActiveKey, readTenant } from './store.ts'

/** Who belongs to a key and which tenant to a name, remembered for a bounded time in bounded space. */
export class Directory {
  /** By the whole header: to hash a key again for each of its calls would cost more than to find it. */
  private readonly callers = new LRUCache<string, Caller>({
    max: KEYS_CACHED_MAX,
    ttl: (KEY_CACHE_SECONDS - 1) * 1_000,
    // To the second: to the millisecond it would set a timer for nearly every look.
    ttlResolution: 1_000,
  })
  /** A tenant's number never changes, so this needs no time limit. */
  private readonly tenantNos = new LRUCache<string, number>({ max: TENANTS_CACHED_MAX })
  private readonly lookUps = new Map<string, Promise<number>>()
  private revocations = 0
  private readonly pool: pg.Pool

  constructor(pool: pg.Pool) {
    this.pool = pool
  }

  /**
   * The caller of an `Authorization: Bearer …` header.
   * @throws ProblemError unauthorized
   */
  async authenticate(authorization: string | undefined): Promise<Caller> {
    const known = this.knownCaller(authorization)
    if (known !== null) return known

    const key = bearerKey(authorization)
    if (!mayBeKey(key)) throw unauthorized('The key is mistyped or incomplete.')
    const revocations = this.revocations
    const row = await readActiveKey(this.pool, hashKey(key))
    if (row === null) throw unauthorized('The key is unknown or was revoked.')
    const caller = callerOf(row)
    // What was read before a revocation must not outlive it here.
    if (revocations === this.revocations) this.callers.set(authorization!, caller)
    return caller
  }

  /** The caller of a key that was used a moment ago; null: ask `authenticate`. */
  knownCaller(authorization: string | undefined): Caller | null {
    return this.callers.get(authorization ?? '') ?? null
  }

  /** A key was revoked: who belongs to which is asked anew. */
  forgetKeys(): void {
    this.revocations += 1
    this.callers.clear()
  }

  /**
   * The tenant a request is about, at once if it is known. A tenant's key speaks for its own tenant
   * only: another one's name is answered as one that does not exist.
   * @throws ProblemError invalid_request, tenant_not_found
   */
  tenantFor(caller: Caller, tenantId: string | undefined): number | Promise<number> {
    if (caller.kind === 'tenant') {
      if (tenantId === undefined || tenantId === caller.tenantId) return caller.tenantNo
      throw tenantNotFound()
    }
    if (tenantId === undefined) {
      throw new ProblemError('invalid_request', {
        errors: [{ field: 'tenant_id', message: `needed with the key of a ${caller.kind}` }],
      })
    }
    return this.tenantNos.get(tenantId) ?? this.lookUp(tenantId)
  }

  /** One question to the database for all who ask for the same tenant at a time. */
  private lookUp(tenantId: string): Promise<number> {
    const asked = this.lookUps.get(tenantId)
    if (asked !== undefined) return asked
    const lookUp = this.readTenantNo(tenantId).finally(() => this.lookUps.delete(tenantId))
    this.lookUps.set(tenantId, lookUp)
    return lookUp
  }

  private async readTenantNo(tenantId: string): Promise<number> {
    const row = await readTenant(this.pool, tenantId)
    if (row === null) throw tenantNotFound()
    this.tenantNos.set(tenantId, row.tenant_no)
    return row.tenant_no
  }
}

function bearerKey(authorization: string | undefined): string {
  if (authorization === undefined) {
    throw unauthorized('Send the key as “Authorization: Bearer KEY”.')
  }
  // Few ways to write it, since whole headers are remembered: a key and much white space would fill
  // the memory.
  const key = /^Bearer {1,4}(\S+)$/i.exec(authorization)?.[1]
  if (key === undefined) throw unauthorized('Send the key as “Authorization: Bearer KEY”.')
  return key
}

function callerOf(row: KeyRow): Caller {
  const keyNo = row.key_no
  if (row.kind === 'operator') return { kind: 'operator', keyNo }
  if (row.kind === 'service') return { kind: 'service', keyNo, serviceName: row.service_name! }
  return { kind: 'tenant', keyNo, tenantNo: row.tenant_no!, tenantId: row.tenant_id! }
}

function unauthorized(detail: string): ProblemError {
  return new ProblemError('unauthorized', { detail })
}

export function tenantNotFound(): ProblemError {
  return new ProblemError('tenant_not_found', {
    errors: [{ field: 'tenant_id', message: 'there is no such tenant' }],
  })
}

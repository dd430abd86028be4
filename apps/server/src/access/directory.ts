import { LRUCache } from 'lru-cache'
import type pg from 'pg'
import type { Caller } from '../lib/caller.ts'
import type { Clock } from '../lib/clock.ts'
import { invalidField, ProblemError } from '../lib/problem-error.ts'
import { KEY_CACHE_SECONDS, KEYS_CACHED_MAX, TENANTS_CACHED_MAX } from '../limits.ts'
import { callerOfKey, callerOfToken } from './callers.ts'
import { bearerOf, hashKey, isAccessToken, mayBeKey } from './key-format.ts'
import type { Policy } from './policy/policy.ts'
import type { AccessTokens } from './sign-in/access-tokens.ts'
import { readSignedIn } from './sign-in/store.ts'
import { readActiveKey, readTenant, writeLastUsed } from './store.ts'

export type DirectoryDependencies = {
  pool: pg.Pool
  policy: Policy
  tokens: AccessTokens
  clock: Clock
  /** By which callers are forgotten, other than usual: for tests. */
  cacheClock?: Clock | undefined
}

/** Who belongs to a key or token and which tenant to a name, remembered for a bounded time in bounded space. */
export class Directory {
  /** By the whole header: to hash a key again for each of its calls would cost more than to find it. */
  private readonly callers: LRUCache<string, Caller>
  /** A tenant's number never changes, so this needs no time limit. */
  private readonly tenantNos = new LRUCache<string, number>({ max: TENANTS_CACHED_MAX })
  private readonly lookUps = new Map<string, Promise<number>>()
  /** Keys that were asked for since it was last written down, with when. */
  private lastUsed = new Map<number, number>()
  private revocations = 0
  private readonly deps: DirectoryDependencies

  constructor(deps: DirectoryDependencies) {
    this.deps = deps
    this.callers = new LRUCache<string, Caller>({
      max: KEYS_CACHED_MAX,
      ttl: (KEY_CACHE_SECONDS - 1) * 1_000,
      // To the second: to the millisecond it would set a timer for nearly every look.
      ttlResolution: 1_000,
      ...(deps.cacheClock === undefined ? {} : { perf: deps.cacheClock }),
    })
  }

  /**
   * The caller of an `Authorization: Bearer …` header, which holds a key or an access token.
   * @throws ProblemError unauthorized
   */
  async authenticate(authorization: string | undefined): Promise<Caller> {
    const known = this.knownCaller(authorization)
    if (known !== null) return known
    const bearer = bearerOf(authorization)
    const revocations = this.revocations
    const caller = isAccessToken(bearer)
      ? await this.callerWithToken(bearer)
      : await this.callerWithKey(bearer)
    // What was read before a revocation must not outlive it here.
    if (revocations === this.revocations) this.callers.set(authorization!, caller)
    return caller
  }

  /** The caller of a key or token that was used a moment ago; null: ask `authenticate`. */
  knownCaller(authorization: string | undefined): Caller | null {
    const caller = this.callers.get(authorization ?? '')
    if (caller === undefined) return null
    if (caller.validUntil === Number.POSITIVE_INFINITY) return caller
    return this.deps.clock.now() < caller.validUntil ? caller : null
  }

  /** A key was revoked, a session ended, a role changed: who may what is asked anew. */
  forgetCallers(): void {
    this.revocations += 1
    this.callers.clear()
  }

  /**
   * The tenant a request is about, at once if it is known. Who belongs to a tenant speaks for that
   * one only: another one's name is answered as one that does not exist.
   * @throws ProblemError invalid_request, tenant_not_found
   */
  tenantFor(caller: Caller, tenantId: string | undefined): number | Promise<number> {
    if (caller.tenant !== null) {
      if (tenantId === undefined || tenantId === caller.tenant.tenantId)
        return caller.tenant.tenantNo
      throw tenantNotFound()
    }
    if (tenantId === undefined) {
      throw invalidField('tenant_id', 'needed by services and operators')
    }
    return this.tenantNos.get(tenantId) ?? this.lookUp(tenantId)
  }

  /** Writes down when keys were last used, to within KEY_CACHE_SECONDS. */
  async saveLastUsed(): Promise<void> {
    if (this.lastUsed.size === 0) return
    const used = this.lastUsed
    this.lastUsed = new Map()
    await writeLastUsed(this.deps.pool, [...used.keys()], [...used.values()])
  }

  private async callerWithKey(key: string): Promise<Caller> {
    const { pool, policy, clock } = this.deps
    if (!mayBeKey(key)) throw unauthorized('The key is mistyped or incomplete.')
    const now = clock.now()
    const row = await readActiveKey(pool, hashKey(key), now)
    if (row === null) throw unauthorized('The key is unknown, expired or was revoked.')
    this.lastUsed.set(row.key_no, now)
    return callerOfKey(row, policy)
  }

  private async callerWithToken(token: string): Promise<Caller> {
    const { pool, policy, tokens, clock } = this.deps
    const claims = await tokens.verify(token)
    if (claims === null) throw unauthorized('The access token is not valid, or has expired.')
    const row = await readSignedIn(pool, claims.sessionId, claims.memberId, clock.now())
    if (row === null) throw unauthorized('The session of this access token has ended.')
    return callerOfToken(row, claims, policy)
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
    const row = await readTenant(this.deps.pool, tenantId)
    if (row === null) throw tenantNotFound()
    this.tenantNos.set(tenantId, row.tenant_no)
    return row.tenant_no
  }
}

function unauthorized(detail: string): ProblemError {
  return new ProblemError('unauthorized', { detail })
}

export function tenantNotFound(): ProblemError {
  return new ProblemError('tenant_not_found', {
    errors: [{ field: 'tenant_id', message: 'there is no such tenant' }],
  })
}

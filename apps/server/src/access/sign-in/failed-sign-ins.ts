import { LRUCache } from 'lru-cache'
import type pg from 'pg'
import { inTransaction } from '../../db/pool.ts'
import type { Clock } from '../../lib/clock.ts'
import { LOCKS_TOLD_CACHED_MAX } from '../../limits.ts'
import { appendAudit } from '../audit/append.ts'
import { memberActor, type Origin } from './origin.ts'
import { type MemberRow, readMemberByEmail } from './store.ts'

export type FailedSignInDependencies = {
  pool: pg.Pool
  clock: Clock
  onError: (error: unknown) => void
}

/**
 * Tells the audit log of sign-ins that failed, after they were answered: the time of an answer must
 * not say whether there was somebody to tell of. Of addresses that nobody has it tells nothing, else
 * strangers could fill it; of a lock it tells once.
 */
export class FailedSignIns {
  private readonly deps: FailedSignInDependencies
  private readonly under = new Set<Promise<void>>()
  /** Locked addresses, until when, ms. */
  private readonly told = new LRUCache<string, number>({ max: LOCKS_TOLD_CACHED_MAX })

  constructor(deps: FailedSignInDependencies) {
    this.deps = deps
  }

  noteFailed(member: MemberRow, origin: Origin): void {
    // It was looked at, so a lock that was told of is gone: the next is another one.
    this.told.delete(member.email)
    this.later(() => this.append(member, origin, 'sign_in.failed'))
  }

  noteLocked(email: string, origin: Origin, secondsLeft: number): void {
    const now = this.deps.clock.now()
    if ((this.told.get(email) ?? 0) > now) return
    this.told.set(email, now + secondsLeft * 1_000)
    this.later(async () => {
      const member = await readMemberByEmail(this.deps.pool, email)
      if (member !== null) await this.append(member, origin, 'sign_in.locked')
    })
  }

  /** When all that was noted is written. */
  async settled(): Promise<void> {
    while (this.under.size > 0) await Promise.all(this.under)
  }

  private append(member: MemberRow, origin: Origin, action: string): Promise<void> {
    const { pool, clock } = this.deps
    return inTransaction(pool, (db) =>
      appendAudit(db, memberActor(member.member_id, origin), {
        tenantNo: member.tenant_no,
        action,
        object: { kind: 'member', id: member.member_id },
        recordedAt: clock.now(),
      }),
    )
  }

  private later(work: () => Promise<void>): void {
    const done = work()
      .catch(this.deps.onError)
      .finally(() => this.under.delete(done))
    this.under.add(done)
  }
}

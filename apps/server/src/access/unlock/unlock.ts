import type pg from 'pg'
import { z } from 'zod'
import { addJob, type Task } from '../../db/jobs.ts'
import { inTransaction, type Queryable } from '../../db/pool.ts'
import type { AuditEntry } from '../../lib/audit-entry.ts'
import type { Actor } from '../../lib/caller.ts'
import type { Clock } from '../../lib/clock.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { appendAudit } from '../audit/append.ts'
import type { Lockout } from '../lockout.ts'
import { readMemberById } from '../sign-in/store.ts'
import { readEmailsOfTenant } from './store.ts'

export type UnlockDependencies = { pool: pg.Pool; clock: Clock; lockout: Lockout }

/** Everybody of the tenant may try to sign in again. Locks in a node's memory are this node's only. */
export async function unlockTenant(
  { pool, clock, lockout }: UnlockDependencies,
  actor: Actor,
  tenant: { tenantNo: number; tenantId: string },
): Promise<void> {
  const emails = await inTransaction(pool, async (db) => {
    const found = await readEmailsOfTenant(db, tenant.tenantNo)
    const object = { kind: 'tenant', id: tenant.tenantId }
    await appendAudit(db, actor, unlocked(tenant.tenantNo, object, clock.now()))
    return found
  })
  await lockout.unlock(emails)
}

/**
 * One person, of a tenant or of the operator, may try to sign in again.
 * @throws ProblemError not_found
 */
export async function unlockMember(
  { pool, clock, lockout }: UnlockDependencies,
  actor: Actor,
  memberId: string,
): Promise<void> {
  const email = await inTransaction(pool, async (db) => {
    const member = await readMemberById(db, memberId)
    if (member === null) throw new ProblemError('not_found')
    const object = { kind: 'member', id: memberId }
    await appendAudit(db, actor, unlocked(member.tenant_no, object, clock.now()))
    return member.email
  })
  await lockout.unlock([email])
}

const UNLOCK_SIGN_IN = 'unlock_sign_in'
const payloadOfUnlock = z.object({ email: z.string() })

/** For who is no node: a node does it, since locks can be in its memory. */
export async function unlockByJob(db: Queryable, email: string): Promise<void> {
  await addJob(db, UNLOCK_SIGN_IN, { email })
}

export function unlockTasks({ lockout }: { lockout: Lockout }): Record<string, Task> {
  return {
    [UNLOCK_SIGN_IN]: async (payload) => {
      const { email } = payloadOfUnlock.parse(payload)
      await lockout.unlock([email])
    },
  }
}

export function unlocked(
  tenantNo: number | null,
  object: AuditEntry['object'],
  recordedAt: number,
): AuditEntry {
  return { tenantNo, action: 'sign_in.unlocked', object, recordedAt }
}

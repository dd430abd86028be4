import { inTransaction } from '../../db/pool.ts'
import type { Actor } from '../../lib/caller.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { appendAudit } from '../audit/append.ts'
import { endSessions } from '../sign-in/store.ts'
import type { MemberDependencies } from './dependencies.ts'
import { keepLastOne } from './last-one.ts'
import { lockSide, markRemoved, readMember, type Side } from './store.ts'

/**
 * Ends somebody's membership and sessions. Their address is free for another one.
 * @throws ProblemError not_found, last_owner
 */
export async function removeMember(
  { pool, clock, directory }: MemberDependencies,
  actor: Actor,
  { side, memberId }: { side: Side; memberId: string },
): Promise<void> {
  await inTransaction(pool, async (db) => {
    const now = clock.now()
    await lockSide(db, side)
    const member = await readMember(db, side, memberId)
    if (member === null) throw new ProblemError('not_found')
    await keepLastOne(db, side, member)
    // The person before the sessions, as those who open one do: it is seen here, or not opened.
    await markRemoved(db, member.member_no, now)
    await endSessions(db, member.member_no, { reason: 'removed', now })
    const { email, name, role } = member
    await appendAudit(db, actor, {
      tenantNo: side,
      action: 'member.removed',
      object: { kind: 'member', id: memberId },
      before: { email, name, role },
      recordedAt: now,
    })
  })
  directory.forgetCallers()
}

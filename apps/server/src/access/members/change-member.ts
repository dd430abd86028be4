import { inTransaction } from '../../db/pool.ts'
import type { Actor } from '../../lib/caller.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { appendAudit } from '../audit/append.ts'
import type { MemberDependencies } from './dependencies.ts'
import { keepLastOne } from './last-one.ts'
import { lockSide, type MemberRow, readMember, type Side, updateMember } from './store.ts'

export type MemberChange = { role?: string | undefined; name?: string | undefined }

/**
 * Another role or name. The role holds on this node at once, on others within KEY_CACHE_SECONDS.
 * @throws ProblemError not_found, last_owner
 */
export async function changeMember(
  { pool, clock, directory }: MemberDependencies,
  actor: Actor,
  { side, memberId }: { side: Side; memberId: string },
  change: MemberChange,
): Promise<MemberRow> {
  const changed = await inTransaction(pool, async (db) => {
    await lockSide(db, side)
    const member = await readMember(db, side, memberId)
    if (member === null) throw new ProblemError('not_found')
    const { before, after } = difference(member, change)
    if (Object.keys(after).length === 0) return member
    if (after.role !== undefined) await keepLastOne(db, side, member)
    await updateMember(db, member.member_no, after)
    await appendAudit(db, actor, {
      tenantNo: side,
      action: after.role === undefined ? 'member.renamed' : 'member.role_changed',
      object: { kind: 'member', id: memberId },
      before,
      after,
      recordedAt: clock.now(),
    })
    return { ...member, ...after }
  })
  directory.forgetCallers()
  return changed
}

type Change = { role?: string; name?: string }

/** What really changes. */
function difference(
  member: MemberRow,
  { role, name }: MemberChange,
): { before: Change; after: Change } {
  const newRole = role !== undefined && role !== member.role
  const newName = name !== undefined && name !== member.name
  return {
    before: {
      ...(newRole ? { role: member.role } : {}),
      ...(newName ? { name: member.name } : {}),
    },
    after: { ...(newRole ? { role } : {}), ...(newName ? { name } : {}) },
  }
}

import type { Queryable } from '../../db/pool.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { countMembersWithRole, type MemberRow, type Side } from './store.ts'

/**
 * Refuses to let the last one go who can let others in. Holds only under `lockSide`: two who removed
 * each other at the same time would both see two.
 * @throws ProblemError last_owner
 */
export async function keepLastOne(db: Queryable, side: Side, member: MemberRow): Promise<void> {
  const role = side === null ? 'admin' : 'owner'
  if (member.role !== role) return
  if ((await countMembersWithRole(db, side, role)) > 1) return
  const detail = `This is the last ${role}. Give somebody else the role ${role} first.`
  throw new ProblemError('last_owner', { detail })
}

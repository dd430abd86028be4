import { randomBytes } from 'node:crypto'
import { isUniqueViolation } from '../../db/errors.ts'
import type { Queryable } from '../../db/pool.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { insertMember } from './store.ts'

export type NewMember = Omit<Parameters<typeof insertMember>[1], 'memberId'>

/**
 * Makes a person, inside the caller's transaction, who tells the audit log.
 * @throws ProblemError already_exists: the transaction can only be undone then
 */
export async function addMember(
  db: Queryable,
  member: NewMember,
): Promise<{ memberNo: number; memberId: string }> {
  const memberId = `mem_${randomBytes(10).toString('hex')}`
  const email = member.email.toLowerCase()
  try {
    return { memberNo: await insertMember(db, { ...member, email, memberId }), memberId }
  } catch (error) {
    if (!isUniqueViolation(error, 'member_email_is_unique')) throw error
    throw new ProblemError('already_exists', {
      errors: [{ field: 'email', message: 'there is somebody with this e-mail address' }],
    })
  }
}

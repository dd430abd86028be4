import type { Caller, Role } from '../../lib/caller.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import type { Policy } from '../policy/policy.ts'

/**
 * Nobody gives a role that may do what they themselves may not: a key that only manages members could
 * make its holder an owner.
 * @throws ProblemError forbidden
 */
export function checkRoleWithin(policy: Policy, caller: Caller, role: string): void {
  const beyond = policy.rows.some(
    (row) => row.role === (role as Role) && !policy.permits(caller.roles, row),
  )
  if (!beyond) return
  const detail = `The role ${role} allows more than you may do yourself.`
  throw new ProblemError('forbidden', { detail, errors: [{ field: 'role', message: detail }] })
}

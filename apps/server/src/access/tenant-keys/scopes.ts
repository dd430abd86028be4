import type { KeyScope } from '@tollgate/contract'
import type { Caller } from '../../lib/caller.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import type { Policy } from '../policy/policy.ts'
import type { CheckScopes } from './tenant-keys.ts'

/** Nobody can make, change or renew a key that may do what they themselves may not. */
export function scopesWithin(policy: Policy, caller: Caller): CheckScopes {
  return (scopes) => {
    // Operators belong to no tenant and hand keys out to all.
    if (caller.tenant === null) return
    const beyond = scopes.filter((scope) => !isWithin(policy, caller, scope as KeyScope))
    if (beyond.length === 0) return
    const detail = `The scope ${beyond.join(', ')} allows more than you may do yourself.`
    throw new ProblemError('forbidden', { detail, errors: [{ field: 'scopes', message: detail }] })
  }
}

function isWithin(policy: Policy, caller: Caller, scope: KeyScope): boolean {
  return policy.rows
    .filter(({ role }) => role === `key_${scope}`)
    .every((permission) => policy.permits(caller.roles, permission))
}

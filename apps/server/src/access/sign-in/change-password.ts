import { inTransaction } from '../../db/pool.ts'
import type { Actor, Caller } from '../../lib/caller.ts'
import { invalidField, ProblemError } from '../../lib/problem-error.ts'
import { appendAudit } from '../audit/append.ts'
import type { SignInDependencies } from './dependencies.ts'
import { endSessions, readMemberById, useUpEmailTokens, writePassword } from './store.ts'

/**
 * Takes another password, and ends all sessions but the one that does it. Whoever got hold of an
 * access token has no more tries at the password than at the sign-in.
 * @throws ProblemError invalid_request, locked, overloaded
 */
export async function changePassword(
  deps: SignInDependencies,
  caller: Caller,
  actor: Actor,
  passwords: { current: string; wanted: string },
): Promise<void> {
  const { pool, lockout, clock } = deps
  const member = await readMemberById(pool, caller.id)
  if (member === null) throw new ProblemError('unauthorized')
  const { member_no: memberNo, email, password_hash: before } = member
  const address = actor.address ?? ''
  await lockout.tryLogin(email, address)
  const right = await deps.passwords
    .verify(before, passwords.current)
    .catch(async (error: unknown) => {
      await lockout.cameToNothing(email, address)
      throw error
    })
  if (!right) {
    await lockout.failed(email, address)
    throw wrongPassword()
  }
  await lockout.succeeded(email, address)
  const after = await deps.passwords.hashNew(passwords.wanted, member, 'new_password')
  const now = clock.now()
  await inTransaction(pool, async (db) => {
    if (!(await writePassword(db, memberNo, { before, after }))) throw wrongPassword()
    await useUpEmailTokens(db, memberNo, 'password_reset', now)
    const reason = 'password_changed'
    await endSessions(db, memberNo, { reason, now, keptSessionId: caller.sessionId })
    await appendAudit(db, actor, {
      tenantNo: member.tenant_no,
      action: 'member.password_changed',
      object: { kind: 'member', id: member.member_id },
      recordedAt: now,
    })
  })
  deps.directory.forgetCallers()
}

function wrongPassword(): ProblemError {
  return invalidField('current_password', 'is not the password of this account')
}

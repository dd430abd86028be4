import { inTransaction } from '../../db/pool.ts'
import { invalidField, type ProblemError } from '../../lib/problem-error.ts'
import { appendAudit } from '../audit/append.ts'
import { hashKey } from '../key-format.ts'
import type { AccessTokens } from '../sign-in/access-tokens.ts'
import { addMember } from '../sign-in/new-member.ts'
import { memberActor, type Origin } from '../sign-in/origin.ts'
import type { Passwords } from '../sign-in/passwords.ts'
import { openSession, type SignIn, signIn } from '../sign-in/sessions.ts'
import type { MemberDependencies } from './dependencies.ts'
import {
  acceptSentInvitation,
  lockSide,
  readSentInvitation,
  type SentInvitationRow,
} from './store.ts'

export type AcceptDependencies = MemberDependencies & {
  passwords: Passwords
  tokens: AccessTokens
}

/**
 * Makes whoever has the link a member, whose address is thereby verified, and signs them in.
 * @throws ProblemError invalid_request, already_exists when somebody elsewhere has the address
 */
export async function acceptInvitation(
  { pool, clock, passwords, tokens }: AcceptDependencies,
  { token, name, password }: { token: string; name: string; password: string },
  origin: Origin,
): Promise<SignIn> {
  const tokenHash = hashKey(token)
  const invitation = await readSentInvitation(pool, tokenHash)
  if (invitation === null) throw notGood('is not one of ours, or a newer one was sent')
  checkOpen(invitation, clock.now())
  const { tenant_no: tenantNo, tenant_id: tenantId, email, role } = invitation
  const passwordHash = await passwords.hashNew(password, { email, name })
  const { member, session } = await inTransaction(pool, async (db) => {
    const now = clock.now()
    await lockSide(db, tenantNo)
    if (!(await acceptSentInvitation(db, tokenHash, now))) throw notGood('was used or withdrawn')
    const { memberNo, memberId } = await addMember(db, {
      ...{ tenantNo, email, name, role, passwordHash },
      emailVerifiedAt: now,
      createdAt: now,
    })
    const session = await openSession(db, memberNo, now)
    await appendAudit(db, memberActor(memberId, origin), {
      tenantNo,
      action: 'member.added',
      object: { kind: 'member', id: memberId },
      after: { email, name, role, invitation_id: invitation.invitation_id },
      recordedAt: now,
    })
    return { member: { memberId, tenantId, role }, session }
  })
  return signIn(tokens, member, session)
}

function checkOpen(invitation: SentInvitationRow, now: number): void {
  if (invitation.accepted_at !== null) throw notGood('was used already; sign in instead')
  if (invitation.withdrawn_at !== null) throw notGood('was withdrawn; ask for another invitation')
  if (invitation.expires_at <= now) throw notGood('has expired; ask for another invitation')
}

function notGood(message: string): ProblemError {
  return invalidField('token', message)
}

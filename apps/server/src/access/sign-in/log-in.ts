import { inTransaction } from '../../db/pool.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { appendAudit } from '../audit/append.ts'
import type { SignInDependencies } from './dependencies.ts'
import type { FailedSignIns } from './failed-sign-ins.ts'
import { memberActor, type Origin } from './origin.ts'
import { openSession, type Session, type SignIn, signIn } from './sessions.ts'
import { keepPassword, type MemberRow, readMemberByEmail } from './store.ts'

/**
 * Nothing that is answered, and nothing that takes time before the answer, differs between an address
 * that nobody has and a wrong password.
 * @throws ProblemError invalid_credentials, locked, overloaded
 */
export async function logIn(
  deps: SignInDependencies & { failures: FailedSignIns },
  credentials: { email: string; password: string },
  origin: Origin,
): Promise<SignIn> {
  const { lockout, failures } = deps
  const email = credentials.email.toLowerCase()
  await lockout.tryLogin(email, origin.address).catch((error: unknown) => {
    if (error instanceof ProblemError && error.code === 'locked') {
      failures.noteLocked(email, origin, error.retryAfterSeconds ?? 0)
    }
    throw error
  })
  const { member, session } = await compare(deps, email, credentials.password, origin).catch(
    async (error: unknown) => {
      await lockout.cameToNothing(email, origin.address)
      throw error
    },
  )
  if (member === null || session === null) {
    await lockout.failed(email, origin.address)
    if (member !== null) failures.noteFailed(member, origin)
    throw new ProblemError('invalid_credentials')
  }
  await lockout.succeeded(email, origin.address)
  const { member_id: memberId, tenant_id: tenantId, role } = member
  return signIn(deps.tokens, { memberId, tenantId, role }, session)
}

async function compare(
  deps: SignInDependencies,
  email: string,
  password: string,
  origin: Origin,
): Promise<{ member: MemberRow | null; session: Session | null }> {
  const member = await readMemberByEmail(deps.pool, email)
  const right = await deps.passwords.verify(member?.password_hash ?? null, password)
  const session = right && member !== null ? await beginSession(deps, member, origin) : null
  return { member, session }
}

/** Null: the password was changed, or the member removed, since it was looked at. */
async function beginSession(
  { pool, clock }: SignInDependencies,
  member: MemberRow,
  origin: Origin,
): Promise<Session | null> {
  const now = clock.now()
  return inTransaction(pool, async (db) => {
    // Whoever changes the password ends all sessions: this one must not slip in between.
    if (!(await keepPassword(db, member.member_no, member.password_hash))) return null
    const session = await openSession(db, member.member_no, now)
    await appendAudit(db, memberActor(member.member_id, origin), {
      tenantNo: member.tenant_no,
      action: 'sign_in.succeeded',
      object: { kind: 'session', id: session.sessionId },
      recordedAt: now,
    })
    return session
  })
}

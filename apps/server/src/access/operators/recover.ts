import type pg from 'pg'
import { inTransaction } from '../../db/pool.ts'
import type { Actor } from '../../lib/caller.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { appendAudit } from '../audit/append.ts'
import {
  endSessions,
  type MemberRow,
  readMemberByEmail,
  useUpEmailTokens,
  writePassword,
} from '../sign-in/store.ts'
import { unlockByJob, unlocked } from '../unlock/unlock.ts'
import type { OperatorDependencies } from './create-operator.ts'

/** Lets a person sign in again. Done by a node, as soon as one runs. @throws ProblemError not_found */
export async function unlockPerson(
  { pool, clock }: Omit<OperatorDependencies, 'passwords'>,
  actor: Actor,
  email: string,
): Promise<void> {
  const member = await personWith(pool, email)
  await inTransaction(pool, async (db) => {
    await unlockByJob(db, member.email)
    const object = { kind: 'member', id: member.member_id }
    await appendAudit(db, actor, unlocked(member.tenant_no, object, clock.now()))
  })
}

/**
 * Gives a person another password, ends their sessions and their lock. Access tokens that nodes have
 * seen a moment ago work until KEY_CACHE_SECONDS are over.
 * @throws ProblemError not_found, invalid_request
 */
export async function resetPasswordOf(
  { pool, passwords, clock }: OperatorDependencies,
  actor: Actor,
  email: string,
  password: string,
): Promise<void> {
  const member = await personWith(pool, email)
  const { member_no: memberNo, password_hash: before } = member
  const after = await passwords.hashNew(password, member)
  await inTransaction(pool, async (db) => {
    const now = clock.now()
    if (!(await writePassword(db, memberNo, { before, after }))) {
      throw new ProblemError('not_found', { detail: 'Somebody changed it meanwhile. Try again.' })
    }
    const sessions = await endSessions(db, memberNo, { reason: 'password_reset', now })
    await useUpEmailTokens(db, memberNo, 'password_reset', now)
    await unlockByJob(db, member.email)
    await appendAudit(db, actor, {
      tenantNo: member.tenant_no,
      action: 'member.password_reset',
      object: { kind: 'member', id: member.member_id },
      after: { sessions_ended: sessions },
      recordedAt: now,
    })
  })
}

async function personWith(pool: pg.Pool, email: string): Promise<MemberRow> {
  const member = await readMemberByEmail(pool, email.trim().toLowerCase())
  if (member !== null) return member
  throw new ProblemError('not_found', { detail: 'Nobody has this e-mail address.' })
}

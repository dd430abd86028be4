import { createHash } from 'node:crypto'
import type pg from 'pg'
import { addJob } from '../../db/jobs.ts'
import { inTransaction } from '../../db/pool.ts'
import { invalidField, type ProblemError } from '../../lib/problem-error.ts'
import { appendAudit } from '../audit/append.ts'
import { hashKey } from '../key-format.ts'
import type { SignInDependencies } from './dependencies.ts'
import { memberActor, type Origin } from './origin.ts'
import {
  endSessions,
  readEmailToken,
  useEmailToken,
  useUpEmailTokens,
  writeEmailVerified,
  writePassword,
} from './store.ts'

const PURPOSE = 'password_reset'

/** Does the same for every address: who has it is looked up when the e-mail is sent. */
export async function forgotPassword(pool: pg.Pool, email: string): Promise<void> {
  const address = email.toLowerCase()
  const digest = createHash('sha256').update(address).digest('base64url')
  // Who asks again while the first still waits gets one e-mail.
  const jobKey = `send_password_reset:${digest}`
  await addJob(pool, 'send_password_reset', { email: address }, { jobKey })
}

/**
 * Takes a new password from whoever has the link, ends all sessions, and opens the lock: whoever can
 * read the mailbox has shown more than the password would.
 * @throws ProblemError invalid_request, overloaded
 */
export async function resetPassword(
  deps: SignInDependencies,
  { token, password }: { token: string; password: string },
  origin: Origin,
): Promise<void> {
  const { pool, clock } = deps
  const tokenHash = hashKey(token)
  const now = clock.now()
  const member = await readEmailToken(pool, tokenHash, PURPOSE, now)
  if (member === null) throw notGood()
  const { member_no: memberNo, member_id: memberId, password_hash: before } = member
  const after = await deps.passwords.hashNew(password, member)
  await inTransaction(pool, async (db) => {
    // The person first, as everywhere: two who change the same lock it in the same order.
    if (!(await writePassword(db, memberNo, { before, after }))) throw notGood()
    if (!(await useEmailToken(db, tokenHash, now))) throw notGood()
    await useUpEmailTokens(db, memberNo, PURPOSE, now)
    await writeEmailVerified(db, memberNo, now)
    await endSessions(db, memberNo, { reason: 'password_reset', now })
    await appendAudit(db, memberActor(memberId, origin), {
      tenantNo: member.tenant_no,
      action: 'member.password_reset',
      object: { kind: 'member', id: memberId },
      recordedAt: now,
    })
  })
  deps.directory.forgetCallers()
  await deps.lockout.unlock([member.email])
}

function notGood(): ProblemError {
  return invalidField('token', 'was used, has expired, or is not one of ours; ask for another')
}

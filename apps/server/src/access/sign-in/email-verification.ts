import { inTransaction } from '../../db/pool.ts'
import { invalidField, type ProblemError } from '../../lib/problem-error.ts'
import { appendAudit } from '../audit/append.ts'
import { hashKey } from '../key-format.ts'
import type { SignInDependencies } from './dependencies.ts'
import { memberActor, type Origin } from './origin.ts'
import { readEmailToken, useEmailToken, useUpEmailTokens, writeEmailVerified } from './store.ts'

const PURPOSE = 'email_verification'

/** The job that sends the e-mail, for `addJob`. One that still waits is not added twice. */
export function verificationJob(memberNo: number) {
  const jobKey = `send_email_verification:${memberNo}`
  return ['send_email_verification', { member_no: memberNo }, { jobKey }] as const
}

/** Whoever has the link reads what is sent to the address. @throws ProblemError invalid_request */
export async function verifyEmail(
  { pool, clock }: SignInDependencies,
  token: string,
  origin: Origin,
): Promise<void> {
  const tokenHash = hashKey(token)
  const now = clock.now()
  const member = await readEmailToken(pool, tokenHash, PURPOSE, now)
  if (member === null) throw notGood()
  const { member_no: memberNo, member_id: memberId } = member
  await inTransaction(pool, async (db) => {
    const isNew = await writeEmailVerified(db, memberNo, now)
    if (!(await useEmailToken(db, tokenHash, now))) throw notGood()
    await useUpEmailTokens(db, memberNo, PURPOSE, now)
    if (!isNew) return
    await appendAudit(db, memberActor(memberId, origin), {
      tenantNo: member.tenant_no,
      action: 'member.email_verified',
      object: { kind: 'member', id: memberId },
      after: { email: member.email },
      recordedAt: now,
    })
  })
}

function notGood(): ProblemError {
  return invalidField('token', 'was used, has expired, or is not one of ours; ask for another')
}

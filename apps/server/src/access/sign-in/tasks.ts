import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { z } from 'zod'
import type { Tasks } from '../../db/jobs.ts'
import type { Mailer } from '../../delivery/mailer.ts'
import type { Clock } from '../../lib/clock.ts'
import {
  EMAIL_TOKENS_PER_PURPOSE_MAX,
  EMAIL_VERIFICATION_HOURS,
  PASSWORD_RESET_MINUTES,
} from '../../limits.ts'
import { hashKey } from '../key-format.ts'
import {
  deleteEmailToken,
  type EmailPurpose,
  insertEmailToken,
  type MemberRow,
  readMemberByEmail,
  readMemberByNo,
} from './store.ts'

export type SignInTaskDependencies = {
  pool: pg.Pool
  clock: Clock
  mailer: Mailer
  /** Where people's browsers reach this server, without a slash at the end. */
  publicUrl: () => string
}

const MINUTE_MS = 60_000
const resetPayload = z.object({ email: z.string() })
const verificationPayload = z.object({ member_no: z.number() })

/** The e-mails of people who sign in. Their tokens are made here, so that no queue ever holds one. */
export function signInTasks(deps: SignInTaskDependencies): Tasks {
  return {
    async send_password_reset(payload) {
      const member = await readMemberByEmail(deps.pool, resetPayload.parse(payload).email)
      if (member !== null) await sendWithToken(deps, member, RESET)
    },
    async send_email_verification(payload) {
      const { member_no } = verificationPayload.parse(payload)
      const member = await readMemberByNo(deps.pool, member_no)
      if (member === null || member.email_verified_at !== null) return
      await sendWithToken(deps, member, VERIFICATION)
    },
  }
}

type Letter = {
  purpose: EmailPurpose
  goodForMs: number
  page: string
  subject: string
  text: (member: MemberRow, link: string) => string
}

const RESET: Letter = {
  purpose: 'password_reset',
  goodForMs: PASSWORD_RESET_MINUTES * MINUTE_MS,
  page: '/account/reset-password',
  subject: 'A new password for Tollgate',
  text: ({ name }, link) => `Hello ${name},

somebody, probably you, asked for a new password for Tollgate. Choose it here:

${link}

The link is good for ${PASSWORD_RESET_MINUTES} minutes, and once. If it was not you, there is nothing to do: your password
stays as it is.
`,
}

const VERIFICATION: Letter = {
  purpose: 'email_verification',
  goodForMs: EMAIL_VERIFICATION_HOURS * 60 * MINUTE_MS,
  page: '/account/verify-email',
  subject: 'Is this your e-mail address?',
  text: ({ name }, link) => `Hello ${name},

this address was used to sign up for Tollgate. If it was you, say so here:

${link}

The link is good for ${EMAIL_VERIFICATION_HOURS} hours, and once. If it was not you, there is nothing to do.
`,
}

async function sendWithToken(
  { pool, clock, mailer, publicUrl }: SignInTaskDependencies,
  member: MemberRow,
  letter: Letter,
): Promise<void> {
  const token = randomBytes(32).toString('base64url')
  const tokenHash = hashKey(token)
  const now = clock.now()
  const kept = await insertEmailToken(pool, {
    tokenHash,
    purpose: letter.purpose,
    memberNo: member.member_no,
    email: member.email,
    now,
    expiresAt: now + letter.goodForMs,
    tokensMax: EMAIL_TOKENS_PER_PURPOSE_MAX,
  })
  if (!kept) return
  // Behind the #, so that it stays in the browser: servers and proxies log what stands before.
  const link = `${publicUrl()}${letter.page}#token=${token}`
  try {
    await mailer.send({
      to: member.email,
      subject: letter.subject,
      text: letter.text(member, link),
    })
  } catch (error) {
    // It will be tried again with another one, and those that nobody got must not use up the number.
    await deleteEmailToken(pool, tokenHash)
    throw error
  }
}

import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { z } from 'zod'
import type { Tasks } from '../../db/jobs.ts'
import { oneLine } from '../../delivery/letter.ts'
import type { Mailer } from '../../delivery/mailer.ts'
import type { Clock } from '../../lib/clock.ts'
import { INVITATION_DAYS } from '../../limits.ts'
import { hashKey } from '../key-format.ts'
import { type InvitationToSend, writeInvitationToken } from './store.ts'

export type MemberTaskDependencies = {
  pool: pg.Pool
  clock: Clock
  mailer: Mailer
  /** Where people's browsers reach this server, without a slash at the end. */
  publicUrl: () => string
}

const payloadOfInvitation = z.object({ invitation_id: z.string() })

/** E-mails to people who are invited. Their tokens are made here, so that no queue ever holds one. */
export function memberTasks({ pool, clock, mailer, publicUrl }: MemberTaskDependencies): Tasks {
  return {
    async send_invitation(payload) {
      const { invitation_id } = payloadOfInvitation.parse(payload)
      const token = randomBytes(32).toString('base64url')
      const found = await writeInvitationToken(pool, invitation_id, hashKey(token), clock.now())
      // Withdrawn, or replaced by a newer one.
      if (found === null) return
      // Behind the #, so that it stays in the browser: servers and proxies log what stands before.
      const link = `${publicUrl()}/account/accept-invitation#token=${token}`
      await mailer.send({
        to: found.email,
        // Nothing that strangers chose: whoever signs up can have this sent to anybody.
        subject: 'You are invited to Tollgate',
        text: textOf(found, link),
      })
    },
  }
}

function textOf({ role, tenant_name: tenant }: InvitationToSend, link: string): string {
  const where = tenant === null ? 'to run Tollgate' : `to the account “${oneLine(tenant)}”`
  return `Hello,

you are invited ${where}, with the role ${role}. Choose a name and a password here:

${link}

The link is good for ${INVITATION_DAYS} days, and once. If you do not know what this is about, there is nothing to do:
without the link nobody can use your address.
`
}

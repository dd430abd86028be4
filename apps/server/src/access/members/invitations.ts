import { randomBytes } from 'node:crypto'
import { addJob } from '../../db/jobs.ts'
import { inTransaction, type Queryable } from '../../db/pool.ts'
import type { Actor } from '../../lib/caller.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import {
  INVITATION_DAYS,
  INVITATION_KEPT_DAYS,
  INVITATIONS_PER_DAY_MAX,
  MEMBERS_PER_TENANT_MAX,
} from '../../limits.ts'
import { appendAudit } from '../audit/append.ts'
import type { MemberDependencies } from './dependencies.ts'
import {
  countPeople,
  deleteOldInvitations,
  type InvitationRow,
  insertInvitation,
  isMember,
  lockSide,
  type Side,
  withdrawInvitation,
  withdrawInvitationTo,
} from './store.ts'

const DAY_MS = 24 * 3_600_000

/**
 * Invites an address, whoever it belongs to: that somebody elsewhere has it is not told here. One that
 * was invited before gets a new link, and the old one is good no more.
 * @throws ProblemError already_exists, too_many_members, too_many_requests
 */
export async function inviteMember(
  { pool, clock }: MemberDependencies,
  actor: Actor,
  side: Side,
  wanted: { email: string; role: string },
): Promise<InvitationRow> {
  const email = wanted.email.toLowerCase()
  return inTransaction(pool, async (db) => {
    const now = clock.now()
    await lockSide(db, side)
    if (await isMember(db, side, email)) {
      const message = 'somebody with this e-mail address is a member already'
      throw new ProblemError('already_exists', { errors: [{ field: 'email', message }] })
    }
    const replaced = await withdrawInvitationTo(db, side, email, now)
    await checkBounds(db, side, now)
    await deleteOldInvitations(db, side, now - INVITATION_KEPT_DAYS * DAY_MS)
    const row = await insertInvitation(db, {
      invitationId: `inv_${randomBytes(10).toString('hex')}`,
      side,
      email,
      role: wanted.role,
      createdAt: now,
      expiresAt: now + INVITATION_DAYS * DAY_MS,
    })
    await addJob(db, 'send_invitation', { invitation_id: row.invitation_id })
    await appendAudit(db, actor, {
      tenantNo: side,
      action: 'invitation.created',
      object: { kind: 'invitation', id: row.invitation_id },
      before: replaced === null ? null : { replaces: replaced.invitation_id },
      after: { email, role: row.role },
      recordedAt: now,
    })
    return row
  })
}

/** @throws ProblemError not_found */
export async function withdraw(
  { pool, clock }: MemberDependencies,
  actor: Actor,
  { side, invitationId }: { side: Side; invitationId: string },
): Promise<void> {
  await inTransaction(pool, async (db) => {
    const now = clock.now()
    const row = await withdrawInvitation(db, side, invitationId, now)
    if (row === null) throw new ProblemError('not_found')
    await appendAudit(db, actor, {
      tenantNo: side,
      action: 'invitation.withdrawn',
      object: { kind: 'invitation', id: invitationId },
      before: { email: row.email, role: row.role },
      recordedAt: now,
    })
  })
}

/** Whoever signs up can invite, so nobody may send e-mails to the whole world from here. */
async function checkBounds(db: Queryable, side: Side, now: number): Promise<void> {
  const { people, invited } = await countPeople(db, side, { now, since: now - DAY_MS })
  if (people >= MEMBERS_PER_TENANT_MAX) {
    const detail = `At most ${MEMBERS_PER_TENANT_MAX} members and open invitations. Remove some.`
    throw new ProblemError('too_many_members', { detail })
  }
  if (invited >= INVITATIONS_PER_DAY_MAX) {
    const detail = `At most ${INVITATIONS_PER_DAY_MAX} invitations in 24 hours.`
    throw new ProblemError('too_many_requests', { detail, retryAfterSeconds: 3_600 })
  }
}

import { onlyRow, type Queryable } from '../../db/pool.ts'

/** Whose people: a tenant's number, or null for the operator's own. */
export type Side = number | null

/** Until the transaction ends, nobody else adds to these people, takes one away, or changes their roles. */
export async function lockSide(db: Queryable, side: Side): Promise<void> {
  await db.query('SELECT FROM pg_advisory_xact_lock($1, coalesce($2::int4, 0))', [SIDE_LOCK, side])
}
const SIDE_LOCK = 705_521_731

export type MemberRow = {
  member_no: number
  member_id: string
  email: string
  name: string
  role: string
  email_verified_at: number | null
  created_at: number
}
const MEMBER = 'member_no, member_id, email, name, role, email_verified_at, created_at'
// With the value at hand, the planner leaves one of the two out, and an index serves the other.
const OF_SIDE = '(tenant_no = $1::int4 OR ($1::int4 IS NULL AND tenant_no IS NULL))'

/** Oldest first. */
export async function readMembers(db: Queryable, side: Side): Promise<MemberRow[]> {
  const { rows } = await db.query<MemberRow>(
    `SELECT ${MEMBER} FROM member WHERE ${OF_SIDE} AND removed_at IS NULL ORDER BY member_no`,
    [side],
  )
  return rows
}

export async function readMember(
  db: Queryable,
  side: Side,
  memberId: string,
): Promise<MemberRow | null> {
  const { rows } = await db.query<MemberRow>(
    `SELECT ${MEMBER} FROM member WHERE ${OF_SIDE} AND member_id = $2 AND removed_at IS NULL`,
    [side, memberId],
  )
  return rows[0] ?? null
}

export async function isMember(db: Queryable, side: Side, email: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `SELECT FROM member WHERE ${OF_SIDE} AND email = $2 AND removed_at IS NULL`,
    [side, email],
  )
  return rowCount === 1
}

export async function countMembersWithRole(
  db: Queryable,
  side: Side,
  role: string,
): Promise<number> {
  const result = await db.query<{ members: number }>(
    `SELECT count(*)::int4 AS members FROM member
     WHERE ${OF_SIDE} AND role = $2 AND removed_at IS NULL`,
    [side, role],
  )
  return onlyRow(result).members
}

export async function updateMember(
  db: Queryable,
  memberNo: number,
  change: { role?: string | undefined; name?: string | undefined },
): Promise<void> {
  await db.query(
    'UPDATE member SET role = coalesce($2, role), name = coalesce($3, name) WHERE member_no = $1',
    [memberNo, change.role ?? null, change.name ?? null],
  )
}

/**
 * What a tenant is called, and where its owners are written to: those who have shown that the address is
 * theirs, or the tenant's own address where there are none. Nobody of a tenant on a test clock.
 */
export async function readOwnersToTell(
  db: Queryable,
  tenantNo: number,
): Promise<{ name: string; emails: string[] }> {
  const owners = await db.query<{ name: string; emails: string[] }>(
    `SELECT t.name, CASE WHEN t.has_test_clock THEN '{}'
         ELSE coalesce(array_agg(m.email ORDER BY m.member_no) FILTER (WHERE m.member_no IS NOT NULL),
           ARRAY[t.email]) END AS emails
     FROM tenant AS t LEFT JOIN member AS m ON m.tenant_no = t.tenant_no AND m.role = 'owner'
       AND m.removed_at IS NULL AND m.email_verified_at IS NOT NULL
     WHERE t.tenant_no = $1 GROUP BY t.tenant_no`,
    [tenantNo],
  )
  return onlyRow(owners)
}

/** The row stays, so that what they did keeps its author. */
export async function markRemoved(db: Queryable, memberNo: number, now: number): Promise<void> {
  await db.query('UPDATE member SET removed_at = $2 WHERE member_no = $1', [
    memberNo,
    new Date(now),
  ])
}

export type InvitationRow = {
  invitation_id: string
  email: string
  role: string
  created_at: number
  expires_at: number
}
const INVITATION = 'invitation_id, email, role, created_at, expires_at'
const OPEN = 'accepted_at IS NULL AND withdrawn_at IS NULL'

/** Those that can be accepted, oldest first. */
export async function readOpenInvitations(
  db: Queryable,
  side: Side,
  now: number,
): Promise<InvitationRow[]> {
  const { rows } = await db.query<InvitationRow>(
    `SELECT ${INVITATION} FROM invitation
     WHERE ${OF_SIDE} AND ${OPEN} AND expires_at > $2 ORDER BY invitation_no`,
    [side, new Date(now)],
  )
  return rows
}

/** How many there are or may soon be, and how many were invited since `since`. */
export async function countPeople(
  db: Queryable,
  side: Side,
  { now, since }: { now: number; since: number },
): Promise<{ people: number; invited: number }> {
  const result = await db.query<{ people: number; invited: number }>(
    `SELECT
       (SELECT count(*) FROM member WHERE ${OF_SIDE} AND removed_at IS NULL)::int4
         + (SELECT count(*) FROM invitation
            WHERE ${OF_SIDE} AND ${OPEN} AND expires_at > $2)::int4 AS people,
       (SELECT count(*) FROM invitation WHERE ${OF_SIDE} AND created_at > $3)::int4 AS invited`,
    [side, new Date(now), new Date(since)],
  )
  return onlyRow(result)
}

export async function insertInvitation(
  db: Queryable,
  invitation: {
    invitationId: string
    side: Side
    email: string
    role: string
    createdAt: number
    expiresAt: number
  },
): Promise<InvitationRow> {
  const { invitationId, side, email, role, createdAt, expiresAt } = invitation
  const result = await db.query<InvitationRow>(
    `INSERT INTO invitation (invitation_id, tenant_no, email, role, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6) RETURNING ${INVITATION}`,
    [invitationId, side, email, role, new Date(createdAt), new Date(expiresAt)],
  )
  return onlyRow(result)
}

/** The one to this address, which another replaces; null: there was none. An expired one is closed too. */
export async function withdrawInvitationTo(
  db: Queryable,
  side: Side,
  email: string,
  now: number,
): Promise<InvitationRow | null> {
  const { rows } = await db.query<InvitationRow>(
    `UPDATE invitation SET withdrawn_at = $3
     WHERE ${OF_SIDE} AND ${OPEN} AND email = $2 RETURNING ${INVITATION}`,
    [side, email, new Date(now)],
  )
  return rows[0] ?? null
}

export async function withdrawInvitation(
  db: Queryable,
  side: Side,
  invitationId: string,
  now: number,
): Promise<InvitationRow | null> {
  const { rows } = await db.query<InvitationRow>(
    `UPDATE invitation SET withdrawn_at = $3
     WHERE ${OF_SIDE} AND ${OPEN} AND invitation_id = $2 RETURNING ${INVITATION}`,
    [side, invitationId, new Date(now)],
  )
  return rows[0] ?? null
}

/** What was closed or has expired before. */
export async function deleteOldInvitations(
  db: Queryable,
  side: Side,
  expiredBefore: number,
): Promise<void> {
  await db.query(`DELETE FROM invitation WHERE ${OF_SIDE} AND expires_at < $2`, [
    side,
    new Date(expiredBefore),
  ])
}

export type InvitationToSend = { email: string; role: string; tenant_name: string | null }

/** Gives an open invitation the token that is about to be sent; one that was sent before is good no more. */
export async function writeInvitationToken(
  db: Queryable,
  invitationId: string,
  tokenHash: Buffer,
  now: number,
): Promise<InvitationToSend | null> {
  const { rows } = await db.query<InvitationToSend>(
    `UPDATE invitation AS i SET token_hash = $2
     WHERE invitation_id = $1 AND ${OPEN} AND expires_at > $3
     RETURNING email, role,
       (SELECT name FROM tenant AS t WHERE t.tenant_no = i.tenant_no) AS tenant_name`,
    [invitationId, tokenHash, new Date(now)],
  )
  return rows[0] ?? null
}

export type SentInvitationRow = {
  invitation_id: string
  tenant_no: number | null
  tenant_id: string | null
  email: string
  role: string
  expires_at: number
  accepted_at: number | null
  withdrawn_at: number | null
}

/** Open or not. */
export async function readSentInvitation(
  db: Queryable,
  tokenHash: Buffer,
): Promise<SentInvitationRow | null> {
  const { rows } = await db.query<SentInvitationRow>(
    `SELECT i.invitation_id, i.tenant_no, t.tenant_id, i.email, i.role, i.expires_at, i.accepted_at,
       i.withdrawn_at
     FROM invitation AS i LEFT JOIN tenant AS t USING (tenant_no) WHERE i.token_hash = $1`,
    [tokenHash],
  )
  return rows[0] ?? null
}

/** Of those who try at the same time one gets true. */
export async function acceptSentInvitation(
  db: Queryable,
  tokenHash: Buffer,
  now: number,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE invitation SET accepted_at = $2
     WHERE token_hash = $1 AND ${OPEN} AND expires_at > $2`,
    [tokenHash, new Date(now)],
  )
  return rowCount === 1
}

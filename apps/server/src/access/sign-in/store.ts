import type pg from 'pg'
import { onlyRow, type Queryable } from '../../db/pool.ts'
import type { SignedIn } from '../callers.ts'

export type MemberRow = {
  member_no: number
  member_id: string
  tenant_no: number | null
  tenant_id: string | null
  email: string
  name: string
  role: string
  password_hash: string
  email_verified_at: number | null
}
const MEMBER = `m.member_no, m.member_id, m.tenant_no, t.tenant_id, m.email, m.name, m.role,
  m.password_hash, m.email_verified_at`

/** @param email in lower case */
export async function readMemberByEmail(db: Queryable, email: string): Promise<MemberRow | null> {
  const { rows } = await db.query<MemberRow>(
    `SELECT ${MEMBER} FROM member AS m LEFT JOIN tenant AS t USING (tenant_no)
     WHERE m.email = $1 AND m.removed_at IS NULL`,
    [email],
  )
  return rows[0] ?? null
}

export async function readMemberById(db: Queryable, memberId: string): Promise<MemberRow | null> {
  const { rows } = await db.query<MemberRow>(
    `SELECT ${MEMBER} FROM member AS m LEFT JOIN tenant AS t USING (tenant_no)
     WHERE m.member_id = $1 AND m.removed_at IS NULL`,
    [memberId],
  )
  return rows[0] ?? null
}

export async function readMemberByNo(db: Queryable, memberNo: number): Promise<MemberRow | null> {
  const { rows } = await db.query<MemberRow>(
    `SELECT ${MEMBER} FROM member AS m LEFT JOIN tenant AS t USING (tenant_no)
     WHERE m.member_no = $1 AND m.removed_at IS NULL`,
    [memberNo],
  )
  return rows[0] ?? null
}

/** @param member email in lower case; tenantNo null: of the operator */
export async function insertMember(
  db: Queryable,
  member: {
    memberId: string
    tenantNo: number | null
    email: string
    name: string
    role: string
    passwordHash: string
    emailVerifiedAt: number | null
    createdAt: number
  },
): Promise<number> {
  const { memberId, tenantNo, email, name, role, passwordHash } = member
  const result = await db.query<{ member_no: number }>(
    `INSERT INTO member (member_id, tenant_no, email, name, role, password_hash, email_verified_at,
       created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING member_no`,
    [
      ...[memberId, tenantNo, email, name, role, passwordHash],
      member.emailVerifiedAt === null ? null : new Date(member.emailVerifiedAt),
      new Date(member.createdAt),
    ],
  )
  return onlyRow(result).member_no
}

/**
 * Whether the member is still there with this password. Until the transaction ends neither changes:
 * what it opens is seen by whoever changes it next.
 */
export async function keepPassword(
  db: Queryable,
  memberNo: number,
  passwordHash: string,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `SELECT FROM member WHERE member_no = $1 AND password_hash = $2 AND removed_at IS NULL
     FOR SHARE`,
    [memberNo, passwordHash],
  )
  return rowCount === 1
}

/** @returns whether the member was still there with the password before */
export async function writePassword(
  db: Queryable,
  memberNo: number,
  { before, after }: { before: string; after: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE member SET password_hash = $3
     WHERE member_no = $1 AND password_hash = $2 AND removed_at IS NULL`,
    [memberNo, before, after],
  )
  return rowCount === 1
}

/** @returns whether it was not verified before */
export async function writeEmailVerified(
  db: Queryable,
  memberNo: number,
  now: number,
): Promise<boolean> {
  const { rowCount } = await db.query(
    'UPDATE member SET email_verified_at = $2 WHERE member_no = $1 AND email_verified_at IS NULL',
    [memberNo, new Date(now)],
  )
  return rowCount === 1
}

export async function insertSession(
  db: Queryable,
  session: { sessionId: string; memberNo: number; createdAt: number; expiresAt: number },
): Promise<number> {
  const result = await db.query<{ session_no: number }>(
    `INSERT INTO session (session_id, member_no, created_at, expires_at)
     VALUES ($1, $2, $3, $4) RETURNING session_no`,
    [
      ...[session.sessionId, session.memberNo],
      ...[new Date(session.createdAt), new Date(session.expiresAt)],
    ],
  )
  return onlyRow(result).session_no
}

/** The person of a live session, with the role they have now; null: it ended, or they were removed. */
export async function readSignedIn(
  pool: pg.Pool,
  sessionId: string,
  memberId: string,
  now: number,
): Promise<SignedIn | null> {
  const { rows } = await pool.query<{
    member_no: number
    member_id: string
    role: string
    tenant_no: number | null
    tenant_id: string | null
  }>({
    name: 'read_signed_in',
    text: `SELECT m.member_no, m.member_id, m.role, m.tenant_no, t.tenant_id
      FROM session AS s JOIN member AS m USING (member_no) LEFT JOIN tenant AS t USING (tenant_no)
      WHERE s.session_id = $1 AND m.member_id = $2
        AND s.ended_at IS NULL AND s.expires_at > $3 AND m.removed_at IS NULL`,
    values: [sessionId, memberId, new Date(now)],
  })
  return rows[0] ?? null
}

export type SessionRow = { session_id: string; created_at: number; expires_at: number }

/** Those that live, newest first. */
export async function readSessions(
  db: Queryable,
  memberId: string,
  now: number,
): Promise<SessionRow[]> {
  const { rows } = await db.query<SessionRow>(
    `SELECT s.session_id, s.created_at, s.expires_at
     FROM session AS s JOIN member AS m USING (member_no)
     WHERE m.member_id = $1 AND s.ended_at IS NULL AND s.expires_at > $2
     ORDER BY s.session_no DESC`,
    [memberId, new Date(now)],
  )
  return rows
}

/** @returns whether it had not ended before */
export async function endSession(
  db: Queryable,
  sessionId: string,
  end: { memberId: string; reason: string; now: number },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE session AS s SET ended_at = $3, end_reason = $4
     FROM member AS m
     WHERE s.session_id = $1 AND m.member_no = s.member_no AND m.member_id = $2
       AND s.ended_at IS NULL AND s.expires_at > $3`,
    [sessionId, end.memberId, new Date(end.now), end.reason],
  )
  return rowCount === 1
}

/** Ends all that a member has, but for one that may be kept. @returns how many */
export async function endSessions(
  db: Queryable,
  memberNo: number,
  end: { reason: string; now: number; keptSessionId?: string | null },
): Promise<number> {
  const { rowCount } = await db.query(
    `UPDATE session SET ended_at = $2, end_reason = $3
     WHERE member_no = $1 AND ended_at IS NULL AND session_id IS DISTINCT FROM $4`,
    [memberNo, new Date(end.now), end.reason, end.keptSessionId ?? null],
  )
  return rowCount!
}

/** Ends those that are older than the newest `keep`. */
export async function endOldestSessions(
  db: Queryable,
  memberNo: number,
  end: { keep: number; reason: string; now: number },
): Promise<void> {
  await db.query(
    `UPDATE session SET ended_at = $2, end_reason = $3
     WHERE session_no IN (
       SELECT session_no FROM session WHERE member_no = $1 AND ended_at IS NULL
       ORDER BY session_no DESC OFFSET $4)`,
    [memberNo, new Date(end.now), end.reason, end.keep],
  )
}

export async function insertRefreshToken(
  db: Queryable,
  token: { tokenHash: Buffer; sessionNo: number; createdAt: number },
): Promise<void> {
  await db.query(
    'INSERT INTO refresh_token (token_hash, session_no, created_at) VALUES ($1, $2, $3)',
    [token.tokenHash, token.sessionNo, new Date(token.createdAt)],
  )
}

export type RefreshedRow = {
  session_no: number
  session_id: string
  member_id: string
  tenant_id: string | null
  role: string
  expires_at: number
}

/** Uses a token of a live session up. Of those who try at the same time one gets the row; null: the others. */
export async function useRefreshToken(
  db: Queryable,
  tokenHash: Buffer,
  now: number,
): Promise<RefreshedRow | null> {
  const { rows } = await db.query<RefreshedRow>(
    `UPDATE refresh_token AS r SET used_at = $2
     FROM session AS s JOIN member AS m USING (member_no) LEFT JOIN tenant AS t USING (tenant_no)
     WHERE r.token_hash = $1 AND r.used_at IS NULL AND s.session_no = r.session_no
       AND s.ended_at IS NULL AND s.expires_at > $2 AND m.removed_at IS NULL
     RETURNING s.session_no, s.session_id, m.member_id, t.tenant_id, m.role, s.expires_at`,
    [tokenHash, new Date(now)],
  )
  return rows[0] ?? null
}

export type RefreshTokenRow = {
  used_at: number | null
  session_id: string
  member_id: string
  tenant_no: number | null
}

/** Whose a token is or was, whether it is good or not. */
export async function readRefreshToken(
  db: Queryable,
  tokenHash: Buffer,
): Promise<RefreshTokenRow | null> {
  const { rows } = await db.query<RefreshTokenRow>(
    `SELECT r.used_at, s.session_id, m.member_id, m.tenant_no
     FROM refresh_token AS r JOIN session AS s USING (session_no) JOIN member AS m USING (member_no)
     WHERE r.token_hash = $1`,
    [tokenHash],
  )
  return rows[0] ?? null
}

export type EmailPurpose = 'password_reset' | 'email_verification'

/**
 * Keeps the hash of a token that is about to be sent, unless the member has as many of that purpose
 * as there may be. @returns whether it was kept
 */
export async function insertEmailToken(
  db: Queryable,
  token: {
    tokenHash: Buffer
    purpose: EmailPurpose
    memberNo: number
    email: string
    now: number
    expiresAt: number
    tokensMax: number
  },
): Promise<boolean> {
  const { tokenHash, purpose, memberNo, email, now, expiresAt, tokensMax } = token
  const { rowCount } = await db.query(
    `INSERT INTO email_token (token_hash, purpose, member_no, email, expires_at)
     SELECT $1, $2, $3, $4, $5 WHERE (
       SELECT count(*) FROM email_token WHERE member_no = $3 AND purpose = $2 AND expires_at > $6
     ) < $7`,
    [tokenHash, purpose, memberNo, email, new Date(expiresAt), new Date(now), tokensMax],
  )
  return rowCount === 1
}

/** Of an e-mail that could not be sent. */
export async function deleteEmailToken(db: Queryable, tokenHash: Buffer): Promise<void> {
  await db.query('DELETE FROM email_token WHERE token_hash = $1', [tokenHash])
}

/** Whom a good token was sent to, at the address that they still have; null: it is not good. */
export async function readEmailToken(
  db: Queryable,
  tokenHash: Buffer,
  purpose: EmailPurpose,
  now: number,
): Promise<MemberRow | null> {
  const { rows } = await db.query<MemberRow>(
    `SELECT ${MEMBER} FROM email_token AS e JOIN member AS m USING (member_no)
       LEFT JOIN tenant AS t USING (tenant_no)
     WHERE e.token_hash = $1 AND e.purpose = $2 AND e.used_at IS NULL AND e.expires_at > $3
       AND m.email = e.email AND m.removed_at IS NULL`,
    [tokenHash, purpose, new Date(now)],
  )
  return rows[0] ?? null
}

/** Of those who try at the same time one gets true. */
export async function useEmailToken(
  db: Queryable,
  tokenHash: Buffer,
  now: number,
): Promise<boolean> {
  const { rowCount } = await db.query(
    'UPDATE email_token SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL',
    [tokenHash, new Date(now)],
  )
  return rowCount === 1
}

/** What was sent before is good no more. */
export async function useUpEmailTokens(
  db: Queryable,
  memberNo: number,
  purpose: EmailPurpose,
  now: number,
): Promise<void> {
  await db.query(
    `UPDATE email_token SET used_at = $3
     WHERE member_no = $1 AND purpose = $2 AND used_at IS NULL`,
    [memberNo, purpose, new Date(now)],
  )
}

/** With their refresh tokens. @returns how many, at most `rows` */
export async function deleteOldSessions(
  db: Queryable,
  endedBefore: number,
  rows: number,
): Promise<number> {
  const { rowCount } = await db.query(
    `DELETE FROM session WHERE session_no IN (
       SELECT session_no FROM session WHERE least(ended_at, expires_at) < $1 LIMIT $2)`,
    [new Date(endedBefore), rows],
  )
  return rowCount!
}

/** @returns how many, at most `rows` */
export async function deleteOldEmailTokens(
  db: Queryable,
  expiredBefore: number,
  rows: number,
): Promise<number> {
  const { rowCount } = await db.query(
    `DELETE FROM email_token WHERE token_hash IN (
       SELECT token_hash FROM email_token WHERE expires_at < $1 LIMIT $2)`,
    [new Date(expiredBefore), rows],
  )
  return rowCount!
}

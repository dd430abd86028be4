import { randomBytes } from 'node:crypto'
import type { Queryable } from '../../db/pool.ts'
import { SESSION_DAYS, SESSIONS_PER_MEMBER_MAX } from '../../limits.ts'
import { hashKey } from '../key-format.ts'
import type { AccessTokens } from './access-tokens.ts'
import { endOldestSessions, insertRefreshToken, insertSession } from './store.ts'

export type Session = {
  sessionId: string
  /** Known to the caller alone: what is kept is its hash. */
  refreshToken: string
  /** ms */
  expiresAt: number
}

/** Both tokens, and whose they are. */
export type SignIn = Session & { memberId: string; tenantId: string | null; accessToken: string }

const DAY_MS = 24 * 3_600_000

/** Begins a session inside the caller's transaction. Its access token is made after that: see `signIn`. */
export async function openSession(db: Queryable, memberNo: number, now: number): Promise<Session> {
  const sessionId = `ses_${randomBytes(10).toString('hex')}`
  const expiresAt = now + SESSION_DAYS * DAY_MS
  const sessionNo = await insertSession(db, { sessionId, memberNo, createdAt: now, expiresAt })
  const reason = 'too_many'
  await endOldestSessions(db, memberNo, { keep: SESSIONS_PER_MEMBER_MAX, reason, now })
  return { sessionId, refreshToken: await addRefreshToken(db, sessionNo, now), expiresAt }
}

/** One more token of a session, to follow the one that was just used. */
export async function addRefreshToken(
  db: Queryable,
  sessionNo: number,
  now: number,
): Promise<string> {
  const refreshToken = `tg_ref_${randomBytes(32).toString('base64url')}`
  await insertRefreshToken(db, { tokenHash: hashKey(refreshToken), sessionNo, createdAt: now })
  return refreshToken
}

/**
 * The pair of tokens. Not inside a transaction: the key that signs may have to be read by another
 * connection, and who holds one while waiting for one can wait for ever.
 */
export async function signIn(
  tokens: AccessTokens,
  member: { memberId: string; tenantId: string | null; role: string },
  session: Session,
): Promise<SignIn> {
  const { memberId, tenantId } = member
  const accessToken = await tokens.sign({ ...member, sessionId: session.sessionId })
  return { ...session, memberId, tenantId, accessToken }
}

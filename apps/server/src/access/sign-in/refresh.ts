import { inTransaction } from '../../db/pool.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { appendAudit } from '../audit/append.ts'
import { hashKey } from '../key-format.ts'
import type { SignInDependencies } from './dependencies.ts'
import { memberActor, type Origin } from './origin.ts'
import { addRefreshToken, type SignIn, signIn } from './sessions.ts'
import { endSession, readRefreshToken, useRefreshToken } from './store.ts'

/**
 * The next pair of tokens for a refresh token that was not used before. One that was is in two hands,
 * of which one stole it: the whole session ends.
 * @throws ProblemError unauthorized
 */
export async function refresh(
  deps: SignInDependencies,
  refreshToken: string,
  origin: Origin,
): Promise<SignIn> {
  const tokenHash = hashKey(refreshToken)
  const now = deps.clock.now()
  const next = await inTransaction(deps.pool, async (db) => {
    const row = await useRefreshToken(db, tokenHash, now)
    return row && { row, refreshToken: await addRefreshToken(db, row.session_no, now) }
  })
  if (next === null) {
    await endIfUsedBefore(deps, tokenHash, origin)
    throw new ProblemError('unauthorized', {
      detail: 'The refresh token is not good, or not any more. Sign in again.',
    })
  }
  const { row } = next
  return signIn(
    deps.tokens,
    { memberId: row.member_id, tenantId: row.tenant_id, role: row.role },
    { sessionId: row.session_id, refreshToken: next.refreshToken, expiresAt: row.expires_at },
  )
}

async function endIfUsedBefore(
  { pool, clock, directory }: SignInDependencies,
  tokenHash: Buffer,
  origin: Origin,
): Promise<void> {
  const token = await readRefreshToken(pool, tokenHash)
  if (token === null || token.used_at === null) return
  const { session_id: sessionId, member_id: memberId } = token
  const now = clock.now()
  const ended = await inTransaction(pool, async (db) => {
    const reason = 'refresh_token_reused'
    if (!(await endSession(db, sessionId, { memberId, reason, now }))) return false
    await appendAudit(db, memberActor(memberId, origin), {
      tenantNo: token.tenant_no,
      action: 'session.refresh_token_reused',
      object: { kind: 'session', id: sessionId },
      recordedAt: now,
    })
    return true
  })
  if (ended) directory.forgetCallers()
}

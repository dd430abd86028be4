import { inTransaction } from '../../db/pool.ts'
import type { Actor } from '../../lib/caller.ts'
import { appendAudit } from '../audit/append.ts'
import { hashKey } from '../key-format.ts'
import type { SignInDependencies } from './dependencies.ts'
import { memberActor, type Origin } from './origin.ts'
import { endSession, readRefreshToken } from './store.ts'

type OwnSession = { sessionId: string; memberId: string; tenantNo: number | null }

/** Ends the session of a refresh token, used or not. One that is unknown or ended is no error. */
export async function logOutByToken(
  deps: SignInDependencies,
  refreshToken: string,
  origin: Origin,
): Promise<void> {
  const token = await readRefreshToken(deps.pool, hashKey(refreshToken))
  if (token === null) return
  const { session_id: sessionId, member_id: memberId, tenant_no: tenantNo } = token
  await logOut(deps, { sessionId, memberId, tenantNo }, memberActor(memberId, origin))
}

/** This node refuses its access token at once, others within KEY_CACHE_SECONDS. @returns whether it lived */
export async function logOut(
  { pool, clock, directory }: SignInDependencies,
  { sessionId, memberId, tenantNo }: OwnSession,
  actor: Actor,
): Promise<boolean> {
  const now = clock.now()
  const ended = await inTransaction(pool, async (db) => {
    if (!(await endSession(db, sessionId, { memberId, reason: 'log_out', now }))) return false
    await appendAudit(db, actor, {
      tenantNo,
      action: 'session.ended',
      object: { kind: 'session', id: sessionId },
      recordedAt: now,
    })
    return true
  })
  if (ended) directory.forgetCallers()
  return ended
}

import type { meReply } from '@tollgate/contract'
import type { z } from 'zod'
import type { Caller } from '../../lib/caller.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { readTenant } from '../store.ts'
import type { SignInDependencies } from './dependencies.ts'
import { readMemberById, readSessions } from './store.ts'

/** Who is signed in, as the database knows them now. */
export async function readMe(
  { pool, clock }: SignInDependencies,
  { id, sessionId, tenant }: Caller,
): Promise<z.infer<typeof meReply>> {
  const [member, sessions, tenantRow] = await Promise.all([
    readMemberById(pool, id),
    readSessions(pool, id, clock.now()),
    tenant === null ? null : readTenant(pool, tenant.tenantId),
  ])
  const session = sessions.find(({ session_id }) => session_id === sessionId)
  // Ended on another node, within the time in which this one remembers its callers.
  if (member === null || session === undefined) throw new ProblemError('unauthorized')
  return {
    member: {
      member_id: member.member_id,
      email: member.email,
      name: member.name,
      role: member.role as z.infer<typeof meReply>['member']['role'],
      email_verified: member.email_verified_at !== null,
    },
    tenant: tenantRow && { tenant_id: tenantRow.tenant_id, name: tenantRow.name },
    session: {
      session_id: session.session_id,
      created_at: new Date(session.created_at).toISOString(),
      expires_at: new Date(session.expires_at).toISOString(),
    },
  }
}

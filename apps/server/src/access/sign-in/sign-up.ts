import type { signUpBody } from '@tollgate/contract'
import type { z } from 'zod'
import { addJob } from '../../db/jobs.ts'
import { inTransaction } from '../../db/pool.ts'
import { invalidField } from '../../lib/problem-error.ts'
import { appendAudit } from '../audit/append.ts'
import { beginTenant } from '../tenants.ts'
import type { SignInDependencies } from './dependencies.ts'
import { verificationJob } from './email-verification.ts'
import { addMember } from './new-member.ts'
import { memberActor, type Origin } from './origin.ts'
import { openSession, type SignIn, signIn } from './sessions.ts'

const DEFAULT_PLAN = 'free'
const ROLE = 'owner'

/** Makes a tenant, its log, its owner and the owner's first session, or nothing of it. */
export async function signUp(
  deps: SignInDependencies,
  body: z.infer<typeof signUpBody>,
  origin: Origin,
): Promise<SignIn> {
  const { name } = body
  const email = body.email.toLowerCase()
  const plan = selfServicePlan(deps, body.plan ?? DEFAULT_PLAN)
  const passwordHash = await deps.passwords.hashNew(body.password, { email, name })
  const now = deps.clock.now()
  const { member, session } = await inTransaction(deps.pool, async (db) => {
    const { row, account } = await beginTenant(db, deps, { name, email, plan })
    const owner = { tenantNo: row.tenant_no, email, name, role: ROLE, passwordHash }
    const added = await addMember(db, { ...owner, emailVerifiedAt: null, createdAt: now })
    const session = await openSession(db, added.memberNo, now)
    await addJob(db, ...verificationJob(added.memberNo))
    const actor = memberActor(added.memberId, origin)
    const line = { tenantNo: row.tenant_no, recordedAt: now }
    await appendAudit(db, actor, {
      ...line,
      action: 'tenant.signed_up',
      object: { kind: 'tenant', id: row.tenant_id },
      after: { name, email, plan },
      logSeq: account.lastSeq,
    })
    await appendAudit(db, actor, {
      ...line,
      action: 'member.added',
      object: { kind: 'member', id: added.memberId },
      after: { name, email, role: ROLE },
    })
    const member = { memberId: added.memberId, tenantId: row.tenant_id, role: ROLE }
    return { member, session }
  })
  return signIn(deps.tokens, member, session)
}

/** Plans that are given by agreement are not for whoever comes along. */
function selfServicePlan({ catalog }: SignInDependencies, plan: string): string {
  if (catalog.latestPlan(plan)?.selfService === true) return plan
  const open = catalog.planNames().filter((name) => catalog.latestPlan(name)?.selfService === true)
  throw invalidField(
    'plan',
    `not one that can be taken by signing up; those are ${open.join(', ')}`,
  )
}

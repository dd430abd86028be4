import { fields, type StaffRole } from '@tollgate/contract'
import type pg from 'pg'
import { inTransaction, type Queryable } from '../../db/pool.ts'
import { SYSTEM } from '../../lib/audit-entry.ts'
import type { Actor } from '../../lib/caller.ts'
import type { Clock } from '../../lib/clock.ts'
import { invalidField } from '../../lib/problem-error.ts'
import { appendAudit } from '../audit/append.ts'
import { addMember } from '../sign-in/new-member.ts'
import type { Passwords } from '../sign-in/passwords.ts'
import { hasAdmin } from './store.ts'

export type OperatorDependencies = { pool: pg.Pool; passwords: Passwords; clock: Clock }
export type NewOperator = { email: string; name: string; role: StaffRole; password: string }

/**
 * One more person of the operator, who can sign in at once.
 * @throws ProblemError invalid_request, already_exists
 */
export async function createOperator(
  deps: OperatorDependencies,
  actor: Actor,
  wanted: NewOperator,
): Promise<{ memberId: string; email: string }> {
  const prepared = await prepare(deps, wanted)
  return inTransaction(deps.pool, (db) => insertOperator(db, deps, actor, prepared))
}

/** Any number that nobody else uses: nodes that start together must not make two admins. */
const FIRST_ADMIN_LOCK = 7_055_217_021

/**
 * The first admin, if there is none. Somebody who exists keeps their password, whatever is configured.
 * @returns whether one was made
 * @throws ProblemError invalid_request, already_exists
 */
export async function ensureFirstAdmin(
  deps: OperatorDependencies,
  { email, password }: { email: string; password: string },
): Promise<boolean> {
  if (await hasAdmin(deps.pool)) return false
  const prepared = await prepare(deps, { email, name: email, role: 'admin', password })
  return inTransaction(deps.pool, async (db) => {
    await db.query('SELECT pg_advisory_xact_lock($1)', [FIRST_ADMIN_LOCK])
    if (await hasAdmin(db)) return false
    await insertOperator(db, deps, SYSTEM, prepared)
    return true
  })
}

type Prepared = { email: string; name: string; role: StaffRole; passwordHash: string }

/** What can be wrong, and what takes long, before the transaction begins. */
async function prepare(
  { passwords }: OperatorDependencies,
  { name, role, password, ...given }: NewOperator,
): Promise<Prepared> {
  const email = given.email.trim().toLowerCase()
  if (!fields.email.safeParse(email).success) throw invalidField('email', 'not an e-mail address')
  if (!fields.name.safeParse(name).success) throw invalidField('name', '1 to 200 characters')
  return { email, name, role, passwordHash: await passwords.hashNew(password, { email, name }) }
}

async function insertOperator(
  db: Queryable,
  { clock }: OperatorDependencies,
  actor: Actor,
  { email, name, role, passwordHash }: Prepared,
): Promise<{ memberId: string; email: string }> {
  const now = clock.now()
  const { memberId } = await addMember(db, {
    ...{ tenantNo: null, email, name, role, passwordHash },
    emailVerifiedAt: now,
    createdAt: now,
  })
  await appendAudit(db, actor, {
    tenantNo: null,
    action: 'member.added',
    object: { kind: 'member', id: memberId },
    after: { email, name, role },
    recordedAt: now,
  })
  return { memberId, email }
}

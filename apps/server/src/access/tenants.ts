import { randomBytes } from 'node:crypto'
import type { createTenantBody, patchTenantBody } from '@tollgate/contract'
import type pg from 'pg'
import type { z } from 'zod'
import { billingCurrency, checkPriced } from '../billing/currency.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { PlanTerms } from '../catalog/types.ts'
import { isUniqueViolation } from '../db/errors.ts'
import { inTransaction, type Queryable } from '../db/pool.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { openLog } from '../ledger/open.ts'
import { accountAt } from '../ledger/readings.ts'
import { carriedOut } from '../ledger/refusals.ts'
import type { Account, AccountChange } from '../ledger/types.ts'
import type { Actor } from '../lib/caller.ts'
import type { Clock } from '../lib/clock.ts'
import { makeIdempotencyKey, storedKey } from '../lib/idempotency.ts'
import { isTimeZone } from '../lib/periods.ts'
import { invalidField, ProblemError } from '../lib/problem-error.ts'
import { appendAudit } from './audit/append.ts'
import { tenantNotFound } from './directory.ts'
import {
  insertTenant,
  readKnowsTimeZone,
  readTenant,
  type TenantRow,
  updateTenant,
} from './store.ts'
import { lockTenant } from './tenant-keys/store.ts'
import type { Author } from './tenant-keys/tenant-keys.ts'

export type TenantDependencies = { pool: pg.Pool; catalog: Catalog; ledger: Ledger; clock: Clock }
/** `now` is the tenant's own time, ms. */
export type Tenant = { row: TenantRow; account: Account; terms: PlanTerms; now: number }

/** Makes a tenant and begins its log, or neither. */
export async function createTenant(
  deps: TenantDependencies,
  actor: Actor,
  body: z.infer<typeof createTenantBody>,
): Promise<Tenant> {
  return inTransaction(deps.pool, async (db) => {
    const tenant = await beginTenant(db, deps, body)
    const { row, account } = tenant
    await appendAudit(db, actor, {
      tenantNo: row.tenant_no,
      action: 'tenant.created',
      object: { kind: 'tenant', id: row.tenant_id },
      after: visible(tenant),
      logSeq: account.lastSeq,
      recordedAt: deps.clock.now(),
    })
    return tenant
  })
}

/**
 * A tenant and the first line of its log, inside the caller's transaction, who tells the audit log.
 * @throws ProblemError invalid_request, already_exists: the transaction can only be undone then
 */
export async function beginTenant(
  db: Queryable,
  { catalog, clock }: Pick<TenantDependencies, 'catalog' | 'clock'>,
  body: z.infer<typeof createTenantBody>,
): Promise<Tenant> {
  const terms = planOnOffer(catalog, body.plan)
  const timeZone = await knownTimeZone(db, body.time_zone ?? 'UTC')
  const tenantId = body.tenant_id ?? `ten_${randomBytes(10).toString('hex')}`
  const testClock = body.test_clock === undefined ? null : Date.parse(body.test_clock)
  const row = await insertOnce(db, {
    tenantId,
    name: body.name,
    email: body.email,
    hasTestClock: testClock !== null,
  })
  const account = await openLog(db, {
    tenantNo: row.tenant_no,
    planVersionNo: terms.planVersionNo,
    timeZone,
    region: body.region ?? null,
    trialDays: terms.trialDays,
    testClock,
    now: clock.now(),
  })
  return { row, account, terms, now: account.lastAt }
}

async function insertOnce(
  db: Queryable,
  tenant: Parameters<typeof insertTenant>[1],
): Promise<TenantRow> {
  try {
    return await insertTenant(db, tenant)
  } catch (error) {
    if (!isUniqueViolation(error, 'tenant_id_is_unique')) throw error
    throw new ProblemError('already_exists', {
      errors: [{ field: 'tenant_id', message: 'there is a tenant with this id' }],
    })
  }
}

export async function tenantExists(pool: pg.Pool, tenantId: string): Promise<boolean> {
  return (await readTenant(pool, tenantId)) !== null
}

/**
 * Changes what is known of a tenant; what its account must know goes through its log, which commits
 * first. A crash right after that leaves the line of the log, with its sender, and none in the audit.
 */
export async function changeTenant(
  deps: TenantDependencies,
  { actor, senderNo }: Author,
  tenantId: string,
  body: z.infer<typeof patchTenantBody>,
): Promise<Tenant> {
  const found = await readTenant(deps.pool, tenantId)
  if (found === null) throw tenantNotFound()
  const change = await accountChange(deps, body)
  return inTransaction(deps.pool, async (db) => {
    // Until the end nobody else changes it, so that what is told as before was so.
    await lockTenant(db, found.tenant_no)
    const before = await tenantAt(db, deps, tenantId)
    if (body.plan !== undefined) {
      const currency = await billingCurrency(db, deps.catalog, found.tenant_no)
      checkPriced(planOnOffer(deps.catalog, body.plan), currency)
    }
    const logSeq = await changeAccount(deps.ledger, found.tenant_no, senderNo, change)
    if (body.name !== undefined || body.email !== undefined)
      await updateTenant(db, found.tenant_no, body)
    const after = await tenantAt(db, deps, tenantId)
    await appendAudit(db, actor, {
      tenantNo: found.tenant_no,
      action: 'tenant.changed',
      object: { kind: 'tenant', id: tenantId },
      before: named(body, visible(before)),
      after: named(body, visible(after)),
      logSeq,
      recordedAt: deps.clock.now(),
    })
    return after
  })
}

async function tenantAt(
  db: Queryable,
  { catalog, clock }: TenantDependencies,
  tenantId: string,
): Promise<Tenant> {
  const row = await readTenant(db, tenantId)
  return { row: row!, ...(await accountAt(db, catalog, row!.tenant_no, clock.now())) }
}

/** @returns the line of the log; null: nothing of it concerns the account */
async function changeAccount(
  ledger: Ledger,
  tenantNo: number,
  senderNo: number | null,
  change: AccountChange,
): Promise<number | null> {
  if (Object.keys(change).length === 0) return null
  const idempotency = { key: storedKey(makeIdempotencyKey()), fingerprint: 0 }
  const receipt = await ledger.submit(tenantNo, senderNo, { kind: 'change', change }, idempotency)
  return carriedOut(receipt).entry.seq
}

/** What the audit log may tell of a tenant. */
function visible({ row, account, terms }: Tenant) {
  return {
    name: row.name,
    email: row.email,
    plan: terms.plan,
    plan_version: terms.version,
    status: account.status,
    time_zone: account.timeZone,
    region: account.region,
  }
}

/** Of what is visible that which the body would change. */
function named(body: z.infer<typeof patchTenantBody>, all: ReturnType<typeof visible>) {
  const fields = Object.keys(body).concat(body.plan === undefined ? [] : 'plan_version')
  return Object.fromEntries(Object.entries(all).filter(([field]) => fields.includes(field)))
}

async function accountChange(
  { pool, catalog }: TenantDependencies,
  body: z.infer<typeof patchTenantBody>,
): Promise<AccountChange> {
  return {
    ...(body.status === undefined ? {} : { status: body.status }),
    ...(body.plan === undefined
      ? {}
      : { planVersionNo: planOnOffer(catalog, body.plan).planVersionNo }),
    ...(body.time_zone === undefined
      ? {}
      : { timeZone: await knownTimeZone(pool, body.time_zone) }),
    ...(body.region === undefined ? {} : { region: body.region }),
  }
}

function planOnOffer(catalog: Catalog, plan: string): PlanTerms {
  const terms = catalog.latestPlan(plan)
  if (terms !== null) return terms
  throw invalidField(
    'plan',
    `no plan of this name is on offer; there are ${catalog.planNames().join(', ')}`,
  )
}

/** Of which both have heard who count by it, the server and PostgreSQL. */
async function knownTimeZone(db: Queryable, timeZone: string): Promise<string> {
  const message = 'not a time zone of the IANA database, as in Europe/Berlin'
  if (!isTimeZone(timeZone)) throw invalidField('time_zone', message)
  // As the database spells it, whatever the sender's case.
  const { timeZoneId } = new Temporal.ZonedDateTime(0n, timeZone)
  if (timeZoneId !== 'UTC' && !(await readKnowsTimeZone(db, timeZoneId))) {
    throw invalidField('time_zone', 'one of which this PostgreSQL has not heard yet')
  }
  return timeZoneId
}

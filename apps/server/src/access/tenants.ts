import { randomBytes } from 'node:crypto'
import type { createTenantBody, patchTenantBody } from '@tollgate/contract'
import type pg from 'pg'
import type { z } from 'zod'
import type { Catalog } from '../catalog/catalog.ts'
import type { PlanTerms } from '../catalog/types.ts'
import { isUniqueViolation } from '../db/errors.ts'
import { inTransaction } from '../db/pool.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { openLog } from '../ledger/open.ts'
import { accountAt } from '../ledger/readings.ts'
import type { Account, AccountChange } from '../ledger/types.ts'
import type { Clock } from '../lib/clock.ts'
import { makeIdempotencyKey, storedKey } from '../lib/idempotency.ts'
import { isTimeZone } from '../lib/periods.ts'
import { invalidField, ProblemError } from '../lib/problem-error.ts'
import { tenantNotFound } from './directory.ts'
import { insertTenant, readTenant, type TenantRow, updateTenant } from './store.ts'

export type TenantDependencies = { pool: pg.Pool; catalog: Catalog; ledger: Ledger; clock: Clock }
export type Tenant = { row: TenantRow; account: Account; terms: PlanTerms }

/** Makes a tenant and begins its log, or neither. */
export async function createTenant(
  { pool, catalog, clock }: TenantDependencies,
  body: z.infer<typeof createTenantBody>,
): Promise<Tenant> {
  const terms = planOnOffer(catalog, body.plan)
  const timeZone = knownTimeZone(body.time_zone ?? 'UTC')
  const tenantId = body.tenant_id ?? `ten_${randomBytes(10).toString('hex')}`
  try {
    return await inTransaction(pool, async (client) => {
      const row = await insertTenant(client, { tenantId, name: body.name, email: body.email })
      const account = await openLog(client, {
        tenantNo: row.tenant_no,
        planVersionNo: terms.planVersionNo,
        timeZone,
        region: body.region ?? null,
        now: clock.now(),
      })
      return { row, account, terms }
    })
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

/** Changes what is known of a tenant; what its account must know goes through its log. */
export async function changeTenant(
  deps: TenantDependencies,
  keyNo: number,
  tenantId: string,
  body: z.infer<typeof patchTenantBody>,
): Promise<Tenant> {
  const row = await readTenant(deps.pool, tenantId)
  if (row === null) throw tenantNotFound()
  const change = accountChange(deps.catalog, body)
  if (Object.keys(change).length > 0) {
    const idempotency = { key: storedKey(makeIdempotencyKey()), fingerprint: 0 }
    await deps.ledger.submit(row.tenant_no, keyNo, { kind: 'change', change }, idempotency)
  }
  const changed =
    body.name === undefined && body.email === undefined
      ? row
      : await updateTenant(deps.pool, row.tenant_no, body)
  return {
    row: changed,
    ...(await accountAt(deps.pool, deps.catalog, row.tenant_no, deps.clock.now())),
  }
}

function accountChange(catalog: Catalog, body: z.infer<typeof patchTenantBody>): AccountChange {
  return {
    ...(body.status === undefined ? {} : { status: body.status }),
    ...(body.plan === undefined
      ? {}
      : { planVersionNo: planOnOffer(catalog, body.plan).planVersionNo }),
    ...(body.time_zone === undefined ? {} : { timeZone: knownTimeZone(body.time_zone) }),
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

function knownTimeZone(timeZone: string): string {
  // As the database spells it, whatever the sender's case.
  if (isTimeZone(timeZone)) return new Temporal.ZonedDateTime(0n, timeZone).timeZoneId
  throw invalidField('time_zone', 'not a time zone of the IANA database, as in Europe/Berlin')
}

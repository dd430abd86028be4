import type { Catalog } from '../catalog/catalog.ts'
import type { Queryable } from '../db/pool.ts'
import { makeIdempotencyKey, storedKey } from '../lib/idempotency.ts'
import { type Micros, microsFromNumber } from '../lib/micros.ts'
import { invalidField } from '../lib/problem-error.ts'
import type { Ledger } from './ledger.ts'
import { accountAt } from './readings.ts'
import { carriedOut } from './refusals.ts'
import type { SenderNo } from './types.ts'

export type KeyLimitState = {
  readonly keyNo: number
  readonly limit: Micros
  /** In the running period, since the limit was set. */
  readonly used: Micros
}

/**
 * Gives one of a tenant's keys a limit of its own, changes it, or lifts it (null). Holds on every
 * node from the next call on. Setting it again is another line and changes nothing.
 * @param limit units of quota per period, with at most 6 decimals
 * @returns the line that says so
 * @throws ProblemError too_many_keys, invalid_request; LedgerError
 */
export async function limitKey(
  ledger: Ledger,
  tenantNo: number,
  senderNo: SenderNo,
  keyNo: number,
  limit: number | null,
): Promise<{ seq: number }> {
  const keyLimit = { keyNo, limit: limit === null ? null : unitsFrom(limit) }
  const idempotency = { key: storedKey(makeIdempotencyKey()), fingerprint: 0 }
  const order = { kind: 'change', change: { keyLimit } } as const
  const { entry } = carriedOut(await ledger.submit(tenantNo, senderNo, order, idempotency))
  return { seq: entry.seq }
}

/** Not null, which would lift the limit, when it is no amount. */
function unitsFrom(limit: number): Micros {
  const micros = microsFromNumber(limit)
  if (micros !== null && micros >= 0n) return micros
  throw invalidField('calls_per_period', 'at least 0, with at most 6 decimals')
}

/** Of a tenant's keys those that have a limit of their own, at `now`. Reads one row. */
export async function keyLimitsAt(
  db: Queryable,
  catalog: Catalog,
  tenantNo: number,
  now: number,
): Promise<KeyLimitState[]> {
  const { account } = await accountAt(db, catalog, tenantNo, now)
  return account.keyLimits.map(({ keyNo, limit, used }) => ({ keyNo, limit, used }))
}

import { KEY_OVERLAP_SECONDS_DEFAULT, type keyBody, type patchKeyBody } from '@tollgate/contract'
import type pg from 'pg'
import type { z } from 'zod'
import type { Catalog } from '../../catalog/catalog.ts'
import { inTransaction, type Queryable } from '../../db/pool.ts'
import { keyLimitsAt, limitKey } from '../../ledger/key-limits.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Actor } from '../../lib/caller.ts'
import type { Clock } from '../../lib/clock.ts'
import { invalidField, ProblemError } from '../../lib/problem-error.ts'
import { KEY_CACHE_SECONDS, KEY_LIMITS_PER_TENANT_MAX, KEYS_PER_TENANT_MAX } from '../../limits.ts'
import { appendAudit } from '../audit/append.ts'
import type { Directory } from '../directory.ts'
import { hashKey, hintOf, makeKey } from '../key-format.ts'
import {
  countKeysInForce,
  insertTenantKey,
  lockTenant,
  lockTenantKey,
  readEndedKeys,
  replaceSecret,
  revokeTenantKey,
  type TenantKeyRow,
  updateTenantKey,
} from './store.ts'

export type TenantKeyDependencies = {
  pool: pg.Pool
  ledger: Ledger
  catalog: Catalog
  directory: Directory
  clock: Clock
}
/** Who changes keys, and under which number the log will say so. */
export type Author = { actor: Actor; senderNo: number | null }
/** Throws if the author may not hand out what the scopes allow. */
export type CheckScopes = (scopes: readonly string[]) => void
type KeyOf = { tenantNo: number; keyId: string }

const DEFAULT_SCOPES = ['track', 'read'] as const

/** A new key of a tenant. Its secret is known to whoever gets this reply, and to nobody else. */
export async function makeTenantKey(
  deps: TenantKeyDependencies,
  author: Author,
  tenantNo: number,
  wanted: Partial<z.infer<typeof keyBody>>,
  checkScopes: CheckScopes,
): Promise<{ key: string; keyId: string }> {
  const { pool, clock } = deps
  const now = clock.now()
  const scopes = wanted.scopes ?? DEFAULT_SCOPES
  checkScopes(scopes)
  const expiresAt = expiryFrom(wanted.expires_at, now) ?? null
  const { key, keyId } = makeKey('tenant')
  await inTransaction(pool, async (db) => {
    await lockTenant(db, tenantNo)
    if ((await countKeysInForce(db, tenantNo)) >= KEYS_PER_TENANT_MAX) {
      throw new ProblemError('too_many_keys', { detail: 'Revoke keys that nobody uses.' })
    }
    const row = await insertTenantKey(db, {
      tenantNo,
      keyId,
      keyHash: hashKey(key),
      hint: hintOf(key),
      name: wanted.name ?? null,
      team: wanted.team ?? null,
      scopes,
      expiresAt,
    })
    // Before the key can be used: were this to fail, there would be no key either.
    const limit = wanted.calls_per_period
    if (limit !== undefined) await setLimit(db, deps, author, row.key_no, { tenantNo, limit })
    await appendAudit(db, author.actor, {
      tenantNo,
      action: 'key.created',
      object: { kind: 'key', id: keyId },
      after: { ...visible(row), ...(limit === undefined ? {} : { calls_per_period: limit }) },
      recordedAt: now,
    })
  })
  return { key, keyId }
}

/** What is left out of `wanted` stays. Other nodes follow within KEY_CACHE_SECONDS. */
export async function changeTenantKey(
  deps: TenantKeyDependencies,
  author: Author,
  { tenantNo, keyId }: KeyOf,
  wanted: z.infer<typeof patchKeyBody>,
  checkScopes: CheckScopes,
): Promise<TenantKeyRow> {
  const { pool, directory, clock } = deps
  const now = clock.now()
  const expiresAt = expiryFrom(wanted.expires_at, now)
  const changed = await inTransaction(pool, async (db) => {
    const before = await keyInForce(db, { tenantNo, keyId })
    checkScopes(before.scopes)
    const scopes = wanted.scopes ?? before.scopes
    checkScopes(scopes)
    const limit = wanted.calls_per_period
    if (limit !== undefined) await setLimit(db, deps, author, before.key_no, { tenantNo, limit })
    const row = await updateTenantKey(db, before.key_no, {
      name: wanted.name ?? before.name,
      scopes,
      expiresAt: expiresAt === undefined ? before.expires_at : expiresAt,
    })
    await appendAudit(db, author.actor, {
      tenantNo,
      action: 'key.changed',
      object: { kind: 'key', id: keyId },
      before: visible(before),
      after: { ...visible(row), ...(limit === undefined ? {} : { calls_per_period: limit }) },
      recordedAt: now,
    })
    return row
  })
  directory.forgetCallers()
  return changed
}

/** A new secret of the same key. The one before stays good for the overlap; one before that ends now. */
export async function rotateTenantKey(
  { pool, directory, clock }: TenantKeyDependencies,
  author: Author,
  { tenantNo, keyId }: KeyOf,
  checkScopes: CheckScopes,
  overlapSeconds: number = KEY_OVERLAP_SECONDS_DEFAULT,
): Promise<{ key: string; keyId: string; oldUntil: number }> {
  const now = clock.now()
  const { key } = makeKey('tenant')
  const oldUntil = now + overlapSeconds * 1_000
  await inTransaction(pool, async (db) => {
    const row = await keyInForce(db, { tenantNo, keyId })
    checkScopes(row.scopes)
    await replaceSecret(db, row.key_no, { keyHash: hashKey(key), hint: hintOf(key), oldUntil })
    await appendAudit(db, author.actor, {
      tenantNo,
      action: 'key.rotated',
      object: { kind: 'key', id: keyId },
      before: { hint: row.hint },
      after: { hint: hintOf(key), old_secret_until: new Date(oldUntil).toISOString() },
      recordedAt: now,
    })
  })
  directory.forgetCallers()
  return { key, keyId, oldUntil }
}

/**
 * This node refuses the key at once, others within KEY_CACHE_SECONDS. Its limit stays as long as some
 * node may still take it, and until its place is needed.
 */
export async function endTenantKey(
  { pool, directory, clock }: TenantKeyDependencies,
  author: Author,
  { tenantNo, keyId }: KeyOf,
): Promise<void> {
  const now = clock.now()
  await inTransaction(pool, async (db) => {
    const row = await keyInForce(db, { tenantNo, keyId })
    await revokeTenantKey(db, row.key_no, now)
    await appendAudit(db, author.actor, {
      tenantNo,
      action: 'key.revoked',
      object: { kind: 'key', id: keyId },
      before: visible(row),
      recordedAt: now,
    })
  })
  directory.forgetCallers()
}

/**
 * Inside the caller's transaction, and reads by its connection: who holds one while waiting for
 * another can wait for ever, and all who need one with them.
 */
async function setLimit(
  db: Queryable,
  { ledger, catalog, clock }: TenantKeyDependencies,
  { senderNo }: Author,
  keyNo: number,
  { tenantNo, limit }: { tenantNo: number; limit: number | null },
): Promise<void> {
  const now = clock.now()
  const limited = (await keyLimitsAt(db, catalog, tenantNo, now)).map((one) => one.keyNo)
  if (limit !== null && limited.length >= KEY_LIMITS_PER_TENANT_MAX) {
    const before = now - KEY_CACHE_SECONDS * 1_000
    for (const ended of await readEndedKeys(db, limited, before)) {
      await limitKey(ledger, tenantNo, senderNo, ended, null)
    }
  }
  await limitKey(ledger, tenantNo, senderNo, keyNo, limit)
}

async function keyInForce(db: pg.PoolClient, { tenantNo, keyId }: KeyOf): Promise<TenantKeyRow> {
  const row = await lockTenantKey(db, tenantNo, keyId)
  if (row === null) throw new ProblemError('not_found')
  return row
}

function expiryFrom(text: string | null | undefined, now: number): number | null | undefined {
  if (text === null || text === undefined) return text
  const at = Date.parse(text)
  if (at <= now) throw invalidField('expires_at', 'must be in the future')
  return at
}

/** What the audit log may tell of a key. */
function visible({ hint, name, team, scopes, expires_at }: TenantKeyRow) {
  return {
    hint,
    name,
    team,
    scopes,
    expires_at: expires_at === null ? null : new Date(expires_at).toISOString(),
  }
}

import type pg from 'pg'
import { inTransaction, type Queryable } from '../db/pool.ts'
import type { SenderNames } from '../ledger/entry-reply.ts'
import { hashKey, hintOf, type KeyKind, makeKey, makeKeyId } from './key-format.ts'
import {
  hasOperatorKey,
  insertKey,
  readSenderNames,
  restoreOperatorKey,
  revokeOtherOperatorKeys,
} from './store.ts'

/** Makes a key and keeps its hash. The key itself is known to the caller alone. */
export async function issueKey(
  db: Queryable,
  kind: KeyKind,
  owner: { tenantNo?: number; serviceNo?: number },
): Promise<{ key: string; keyId: string }> {
  const { key, keyId } = makeKey(kind)
  await insertKey(db, { keyId, kind, keyHash: hashKey(key), hint: hintOf(key), ...owner })
  return { key, keyId }
}

/** Keys and members, by the numbers under which a log remembers who sent a line. */
export async function senderNamesOf(pool: pg.Pool, senderNos: number[]): Promise<SenderNames> {
  const rows = await readSenderNames(pool, senderNos)
  return new Map(rows.map(({ sender_no, id, team }) => [sender_no, { id, team }]))
}

/** Any number that nobody else uses: nodes that start together must not make two keys. */
const OPERATOR_KEY_LOCK = 7_055_217_003

/**
 * Sees to it that there is an operator key: the configured one, which replaces any other, or one that
 * is made now.
 * @returns the key if it was made now, to be shown once; otherwise null
 */
export async function ensureOperatorKey(
  pool: pg.Pool,
  configured: string | null,
): Promise<string | null> {
  return inTransaction(pool, async (db) => {
    await db.query('SELECT pg_advisory_xact_lock($1)', [OPERATOR_KEY_LOCK])
    if (configured === null) {
      return (await hasOperatorKey(db)) ? null : (await issueKey(db, 'operator', {})).key
    }
    const keyHash = hashKey(configured)
    await revokeOtherOperatorKeys(db, keyHash)
    if (!(await restoreOperatorKey(db, keyHash))) {
      await insertKey(db, {
        keyId: makeKeyId(),
        kind: 'operator',
        keyHash,
        hint: hintOf(configured),
      })
    }
    return null
  })
}

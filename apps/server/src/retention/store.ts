import { onlyRow, type Queryable } from '../db/pool.ts'
import { DELETED_KIND_CODES } from '../ledger/cuts/cut.ts'

/**
 * Tenants of whose log something may go: periods were closed since it was cut last, or what was cut off is
 * still there. Nothing else can have made a line past retention that nobody needs.
 */
export async function readTenantsToCut(
  db: Queryable,
  afterTenantNo: number,
  limit: number,
): Promise<number[]> {
  const { rows } = await db.query<{ tenant_no: number }>(
    `SELECT p.tenant_no FROM billing_position AS p LEFT JOIN LATERAL (
       SELECT kept_from FROM log_cut WHERE tenant_no = p.tenant_no ORDER BY seq DESC LIMIT 1
     ) AS c ON true
     WHERE p.tenant_no > $1 AND (
       c.kept_from IS NULL OR c.kept_from < p.open_from
       OR EXISTS (SELECT FROM log_cut WHERE tenant_no = p.tenant_no AND NOT swept))
     ORDER BY p.tenant_no LIMIT $2`,
    [afterTenantNo, limit],
  )
  return rows.map(({ tenant_no }) => tenant_no)
}

/** Monthly partitions of the log by name, in order. */
export async function readPartitions(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    `SELECT c.relname::text AS name FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'entry'::regclass AND c.relname ~ '^entry_\\d{4}_\\d{2}$' ORDER BY name`,
  )
  return rows.map(({ name }) => name)
}

/** Whether a partition has nothing but lines that stay, and no more than so many. */
export async function isNearlyEmpty(
  db: Queryable,
  partition: string,
  linesMax: number,
): Promise<boolean> {
  const result = await db.query<{ goes: boolean; stay: bigint }>(
    `SELECT EXISTS (SELECT FROM ${partition} WHERE kind = ANY ($1::int2[])) AS goes,
       (SELECT count(*) FROM (SELECT FROM ${partition} LIMIT $2 + 1) AS p) AS stay`,
    [DELETED_KIND_CODES, linesMax],
  )
  const { goes, stay } = onlyRow(result)
  return !goes && Number(stay) <= linesMax
}

/** Whoever reads or writes the log waits from here to the end of the transaction. */
export async function detachPartition(db: Queryable, partition: string): Promise<void> {
  await db.query(`ALTER TABLE entry DETACH PARTITION ${partition}`)
}

export async function readColumns(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    `SELECT attname::text AS name FROM pg_attribute
     WHERE attrelid = 'entry'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
  )
  return rows.map(({ name }) => name)
}

/** The default partition takes what no other does. By name: older partitions may have another order. */
export async function moveToDefault(
  db: Queryable,
  partition: string,
  columns: readonly string[],
): Promise<void> {
  const names = columns.join(', ')
  await db.query(`INSERT INTO entry_default (${names}) SELECT ${names} FROM ${partition}`)
}

export async function dropTable(db: Queryable, partition: string): Promise<void> {
  await db.query(`DROP TABLE ${partition}`)
}

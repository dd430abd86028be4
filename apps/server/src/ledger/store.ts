import type pg from 'pg'
import { int4Array, uuidArray } from '../db/binary-arrays.ts'
import { onlyRow, type Queryable } from '../db/pool.ts'
import { decodeAccountState, encodeAccountState } from './account-state.ts'
import { type Batch, batchValues } from './batch-values.ts'
import { ENTRY_COLUMNS, type EntryRow, type StoredEntry, storedEntryFromRow } from './entry-row.ts'
import type { Account } from './types.ts'

export type { Batch, IdempotencyKey, Line } from './batch-values.ts'

/**
 * The hot path's one statement: accounts move on, keys are claimed, lines are added. The last line
 * fails (division by zero) unless every account was where the lane believed; a key that is known
 * fails as a unique violation. Either way nothing of the batch is written. It mentions accounts first,
 * so two nodes with the same tenant queue on its row before either inserts.
 */
const WRITE_BATCH = `
WITH moved AS (
  UPDATE account AS a SET last_seq = g.last_seq, state = g.state
  FROM unnest($1::int4[], $2::int8[], $3::int8[], $4::json[]) AS g (tenant_no, before_seq, last_seq, state)
  WHERE a.tenant_no = g.tenant_no AND a.last_seq = g.before_seq
  RETURNING 1
), claimed AS (
  INSERT INTO event_key (tenant_no, key, seq, fingerprint)
  SELECT * FROM unnest($5::int4[], $6::uuid[], $7::int8[], $8::int4[])
), added AS (
  INSERT INTO entry (
    tenant_no, seq, recorded_at, occurred_at, credits, cost, remaining, used, quantity,
    file_size_bytes, processing_time_ms, token_count, sender_no, kind, reason, counted, overage, failed,
    service, endpoint, method, region, feature, file_type, output_format, error_code,
    properties, detail, self_reported)
  SELECT * FROM unnest(
    $9::int4[], $10::int8[], $11::timestamptz[], $12::timestamptz[], $13::int8[], $14::int8[],
    $15::int8[], $16::int8[], $17::int8[], $18::int8[], $19::int8[], $20::int8[], $21::int4[],
    $22::int2[], $23::int2[], $24::bool[], $25::bool[], $26::bool[], $27::text[], $28::text[],
    $29::text[], $30::text[], $31::text[], $32::text[], $33::text[], $34::text[], $35::json[],
    $36::json[], $37::bool[])
)
SELECT set_config('tollgate.batch', $40::text, false) FROM (
  SELECT 1 / (CASE WHEN (SELECT count(*) FROM moved) = $38::int4
    AND ($39::text IS NULL OR current_setting('tollgate.batch', true) = $39::text)
    THEN 1 ELSE 0 END) AS stands OFFSET 0) AS checked WHERE stands = 1`

/** Where a batch is in the pipe of its connection. `behind`: what must be committed before; null: nothing. */
export type PipePlace = { behind: string | null; own: string }
const ALONE: PipePlace = { behind: null, own: '' }

/**
 * Writes all of it or nothing, and says conflict where an account is not where the batch believes. A
 * last_seq that the database has is a state; one that a batch on its way will leave is not: another node
 * may write as many lines, and then the number is there and the state is another. So a batch that was
 * decided on what another will leave stands only if that one committed, which its connection remembers.
 */
export async function writeBatch(
  client: Queryable,
  batch: Batch,
  { behind, own }: PipePlace = ALONE,
): Promise<void> {
  const values = [...batchValues(batch), behind, own]
  await client.query({ name: 'write_batch', text: WRITE_BATCH, values })
}

type AccountRow = { tenant_no: number; last_seq: bigint; state: unknown }

export async function readAccounts(client: Queryable, tenantNos: number[]): Promise<Account[]> {
  const { rows } = await client.query<AccountRow>({
    name: 'read_accounts',
    text: 'SELECT tenant_no, last_seq, state FROM account WHERE tenant_no = ANY($1::int4[])',
    values: [tenantNos],
  })
  return rows.map(accountFromRow)
}

/** Locks by writing what is there: `SELECT … FOR UPDATE` over several tenants does not run on Citus. */
export async function lockAccounts(client: Queryable, tenantNos: number[]): Promise<Account[]> {
  const { rows } = await client.query<AccountRow>({
    name: 'lock_accounts',
    text: `UPDATE account SET last_seq = last_seq WHERE tenant_no = ANY($1::int4[])
      RETURNING tenant_no, last_seq, state`,
    values: [tenantNos],
  })
  return rows.map(accountFromRow)
}

export async function insertAccount(client: Queryable, account: Account): Promise<void> {
  await client.query('INSERT INTO account (tenant_no, last_seq, state) VALUES ($1, $2, $3)', [
    account.tenantNo,
    0,
    encodeAccountState(account),
  ])
}

function accountFromRow(row: AccountRow): Account {
  return decodeAccountState(row.tenant_no, Number(row.last_seq), row.state)
}

export type KnownKey = {
  tenantNo: number
  key: string
  fingerprint: number
  /** Null: the line is past retention and gone. */
  entry: StoredEntry | null
}

/** Of the given keys those that are taken, each with the line that took it. Keys outlive their lines. */
export async function readKnownKeys(
  client: Queryable,
  keys: { tenantNo: number; key: string }[],
): Promise<KnownKey[]> {
  const { rows } = await client.query<
    EntryRow & { key: string; fingerprint: number; of_tenant_no: number }
  >({
    name: 'read_known_keys',
    text: `SELECT k.key, k.fingerprint, k.tenant_no AS of_tenant_no, ${ENTRY_COLUMNS}
      FROM unnest($1::int4[], $2::uuid[]) AS g (tenant_no, key)
      JOIN event_key AS k ON k.tenant_no = g.tenant_no AND k.key = g.key
      LEFT JOIN entry AS e ON e.tenant_no = k.tenant_no AND e.seq = k.seq`,
    values: [int4Array(keys, ({ tenantNo }) => tenantNo), uuidArray(keys, ({ key }) => key)],
  })
  return rows.map((row) => ({
    tenantNo: row.of_tenant_no,
    key: Buffer.from(row.key.replaceAll('-', ''), 'hex').toString('latin1'),
    fingerprint: row.fingerprint,
    entry: (row.seq as bigint | null) === null ? null : storedEntryFromRow(row),
  }))
}

export async function readEntry(
  client: Queryable,
  tenantNo: number,
  seq: number,
): Promise<StoredEntry | null> {
  const { rows } = await client.query<EntryRow>(
    `SELECT ${ENTRY_COLUMNS} FROM entry AS e WHERE tenant_no = $1 AND seq = $2`,
    [tenantNo, seq],
  )
  return rows[0] === undefined ? null : storedEntryFromRow(rows[0])
}

/** Lines of one log, newest first, below `beforeSeq`; null: from the newest. */
export async function readEntriesBackward(
  pool: pg.Pool,
  tenantNo: number,
  beforeSeq: number | null,
  limit: number,
): Promise<StoredEntry[]> {
  const { rows } = await pool.query<EntryRow>(
    `SELECT ${ENTRY_COLUMNS} FROM entry AS e
     WHERE tenant_no = $1 AND seq < coalesce($2::int8, 9223372036854775807)
     ORDER BY seq DESC LIMIT $3`,
    [tenantNo, beforeSeq, limit],
  )
  return rows.map(storedEntryFromRow)
}

/** Lines of one log, oldest first, above `afterSeq`. */
export async function readEntriesForward(
  client: Queryable,
  tenantNo: number,
  afterSeq: number,
  limit: number,
): Promise<StoredEntry[]> {
  const { rows } = await client.query<EntryRow>({
    name: 'read_entries_forward',
    text: `SELECT ${ENTRY_COLUMNS} FROM entry AS e
      WHERE tenant_no = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
    values: [tenantNo, afterSeq, limit],
  })
  return rows.map(storedEntryFromRow)
}

/** How many keys a tenant has, of how many lines, and the numbers of those added up. */
export async function readKeyCounts(
  client: Queryable,
  tenantNo: number,
): Promise<{ keys: number; lines: number; seqs: bigint }> {
  const { rows } = await client.query<{ keys: bigint; lines: bigint; seqs: string | null }>(
    `SELECT count(*) AS keys, count(DISTINCT seq) AS lines, sum(seq) AS seqs
     FROM event_key WHERE tenant_no = $1`,
    [tenantNo],
  )
  const { keys, lines, seqs } = onlyRow({ rows })
  return { keys: Number(keys), lines: Number(lines), seqs: BigInt(seqs ?? 0) }
}

/** Numbers of all tenants, and how many lines their logs have; one that lost its account has none. */
export async function readLogs(client: Queryable): Promise<{ tenantNo: number; lines: number }[]> {
  const { rows } = await client.query<{ tenant_no: number; last_seq: bigint | null }>(
    `SELECT t.tenant_no, a.last_seq
     FROM tenant AS t LEFT JOIN account AS a ON a.tenant_no = t.tenant_no ORDER BY t.tenant_no`,
  )
  return rows.map((row) => ({ tenantNo: row.tenant_no, lines: Number(row.last_seq ?? 0) }))
}

/** Lines that say what was agreed: the first, and every change. */
export async function readChanges(client: Queryable, tenantNo: number): Promise<StoredEntry[]> {
  const { rows } = await client.query<EntryRow>({
    name: 'read_changes',
    text: `SELECT ${ENTRY_COLUMNS} FROM entry AS e
      WHERE tenant_no = $1 AND kind NOT IN (3, 4) AND kind IN (1, 2) ORDER BY seq`,
    values: [tenantNo],
  })
  return rows.map(storedEntryFromRow)
}

/** Which lines were voided, by lines up to `throughSeq`: the number of the void by that of the line. */
export async function readVoids(
  client: Queryable,
  tenantNo: number,
  throughSeq: number,
): Promise<Map<number, number>> {
  const { rows } = await client.query<{ seq: bigint; voided: bigint }>({
    name: 'read_voids',
    text: `SELECT seq, (detail ->> 'voided_seq')::int8 AS voided FROM entry
      WHERE tenant_no = $1 AND kind NOT IN (3, 4) AND kind = 11 AND seq <= $2`,
    values: [tenantNo, throughSeq],
  })
  return new Map(rows.map(({ seq, voided }) => [Number(voided), Number(seq)]))
}

export async function readEntriesBySeq(
  client: Queryable,
  tenantNo: number,
  seqs: number[],
): Promise<StoredEntry[]> {
  const { rows } = await client.query<EntryRow>({
    name: 'read_entries_by_seq',
    text: `SELECT ${ENTRY_COLUMNS} FROM entry AS e
      WHERE tenant_no = $1 AND seq = ANY($2::int8[]) ORDER BY seq`,
    values: [tenantNo, seqs],
  })
  return rows.map(storedEntryFromRow)
}

/** Lines that may be about a stretch of time: recorded in it, or later about something that happened in it. */
export async function readEntriesAbout(
  client: Queryable,
  tenantNo: number,
  { start, end }: { start: number; end: number },
  { afterSeq, throughSeq, limit }: { afterSeq: number; throughSeq: number; limit: number },
): Promise<StoredEntry[]> {
  const { rows } = await client.query<EntryRow>({
    name: 'read_entries_about',
    text: `SELECT ${ENTRY_COLUMNS} FROM entry AS e
      WHERE tenant_no = $1 AND seq > $2 AND seq <= $3 AND recorded_at >= $4
        AND (recorded_at < $5 OR occurred_at < $5) ORDER BY seq LIMIT $6`,
    values: [tenantNo, afterSeq, throughSeq, new Date(start), new Date(end), limit],
  })
  return rows.map(storedEntryFromRow)
}

export async function readLastSeq(client: Queryable, tenantNo: number): Promise<number> {
  const { rows } = await client.query<{ last_seq: bigint }>(
    'SELECT last_seq FROM account WHERE tenant_no = $1',
    [tenantNo],
  )
  return Number(rows[0]?.last_seq ?? 0)
}

/** How many lines each log has, by tenant. */
export async function readLastSeqs(
  client: Queryable,
  tenantNos: number[],
): Promise<Map<number, number>> {
  const { rows } = await client.query<{ tenant_no: number; last_seq: bigint }>({
    name: 'read_last_seqs',
    text: 'SELECT tenant_no, last_seq FROM account WHERE tenant_no = ANY($1::int4[])',
    values: [tenantNos],
  })
  return new Map(rows.map((row) => [row.tenant_no, Number(row.last_seq)]))
}

/** Credit changes that are no calls, newest first, below `beforeSeq`; null: from the newest. */
export async function readCreditEntries(
  client: Queryable,
  tenantNo: number,
  beforeSeq: number | null,
  limit: number,
): Promise<StoredEntry[]> {
  const { rows } = await client.query<EntryRow>(
    `SELECT ${ENTRY_COLUMNS} FROM entry AS e
     WHERE tenant_no = $1 AND kind NOT IN (3, 4) AND credits IS NOT NULL
       AND seq < coalesce($2::int8, 9223372036854775807)
     ORDER BY seq DESC LIMIT $3`,
    [tenantNo, beforeSeq, limit],
  )
  return rows.map(storedEntryFromRow)
}

/** Credit changes, newest first, among the lines from `fromSeq` to below `belowSeq`. */
export async function readCreditLines(
  client: Queryable,
  tenantNo: number,
  { fromSeq, belowSeq }: { fromSeq: number; belowSeq: number },
  limit: number,
): Promise<StoredEntry[]> {
  const { rows } = await client.query<EntryRow>(
    `SELECT ${ENTRY_COLUMNS} FROM entry AS e
     WHERE tenant_no = $1 AND seq >= $2 AND seq < $3 AND credits IS NOT NULL
     ORDER BY seq DESC LIMIT $4`,
    [tenantNo, fromSeq, belowSeq, limit],
  )
  return rows.map(storedEntryFromRow)
}

/** How many accounts are on each plan version, by its number. */
export async function countAccountsByPlan(
  client: Queryable,
): Promise<{ plan_version_no: number; tenants: bigint }[]> {
  const { rows } = await client.query<{ plan_version_no: number; tenants: bigint }>(
    `SELECT (state->>'plan')::int4 AS plan_version_no, count(*) AS tenants
     FROM account GROUP BY 1 ORDER BY 1`,
  )
  return rows
}

import { onlyRow, type Queryable } from '../../db/pool.ts'
import { decodeAccountState, encodeAccountState } from '../account-state.ts'
import { ENTRY_COLUMNS, type EntryRow, type StoredEntry, storedEntryFromRow } from '../entry-row.ts'
import { type Cut, DELETED_KIND_CODES } from './cut.ts'

type CutRow = {
  tenant_no: number
  seq: bigint
  kept_from: number
  state: unknown
  keyed_lines: bigint
  keyed_seqs: string
  hash: string
}

const CUT_COLUMNS = `tenant_no, seq, kept_from, state, keyed_lines, keyed_seqs,
  encode(hash, 'hex') AS hash`

function cutFromRow(row: CutRow): Cut {
  return {
    tenantNo: row.tenant_no,
    account: decodeAccountState(row.tenant_no, Number(row.seq), row.state),
    keptFrom: row.kept_from,
    keyed: { lines: Number(row.keyed_lines), seqs: BigInt(row.keyed_seqs) },
    hash: row.hash,
  }
}

/** The latest; null: the log begins with its first line. */
export async function readCut(db: Queryable, tenantNo: number): Promise<Cut | null> {
  const { rows } = await db.query<CutRow>({
    name: 'read_cut',
    text: `SELECT ${CUT_COLUMNS} FROM log_cut WHERE tenant_no = $1 ORDER BY seq DESC LIMIT 1`,
    values: [tenantNo],
  })
  return rows[0] === undefined ? null : cutFromRow(rows[0])
}

/** Of one log, in order. */
export async function readCuts(db: Queryable, tenantNo: number): Promise<Cut[]> {
  const { rows } = await db.query<CutRow>(
    `SELECT ${CUT_COLUMNS} FROM log_cut WHERE tenant_no = $1 ORDER BY seq`,
    [tenantNo],
  )
  return rows.map(cutFromRow)
}

export async function insertCut(db: Queryable, cut: Cut): Promise<void> {
  const { tenantNo, account, keptFrom, keyed, hash } = cut
  await db.query(
    `INSERT INTO log_cut (tenant_no, seq, kept_from, state, keyed_lines, keyed_seqs, hash)
     VALUES ($1, $2, $3, $4, $5, $6, decode($7, 'hex'))`,
    [
      tenantNo,
      account.lastSeq,
      new Date(keptFrom),
      encodeAccountState(account),
      keyed.lines,
      String(keyed.seqs),
      hash,
    ],
  )
}

/** Lines of (afterSeq, throughSeq] that are there for ever. */
export async function readLastingEntries(
  db: Queryable,
  tenantNo: number,
  { afterSeq, throughSeq }: { afterSeq: number; throughSeq: number },
): Promise<StoredEntry[]> {
  const { rows } = await db.query<EntryRow>({
    name: 'read_lasting_entries',
    text: `SELECT ${ENTRY_COLUMNS} FROM entry AS e
      WHERE tenant_no = $1 AND seq > $2 AND seq <= $3
        AND kind NOT IN (3, 4) AND kind <> ALL ($4::int2[]) ORDER BY seq`,
    values: [tenantNo, afterSeq, throughSeq, DELETED_KIND_CODES],
  })
  return rows.map(storedEntryFromRow)
}

export type ToSweep = { seq: number; afterSeq: number; keptFrom: number }

/** Cuts that were made long enough ago, in order; `afterSeq`: up to where all that goes is gone already. */
export async function readUnswept(
  db: Queryable,
  tenantNo: number,
  settledMs: number,
): Promise<ToSweep[]> {
  const { rows } = await db.query<{ seq: bigint; after_seq: bigint; kept_from: number }>(
    `SELECT c.seq, c.kept_from, coalesce((
       SELECT max(seq) FROM log_cut WHERE tenant_no = c.tenant_no AND seq < c.seq), 0) AS after_seq
     FROM log_cut AS c
     WHERE c.tenant_no = $1 AND NOT c.swept AND c.made_at <= now() - $2 * interval '1 millisecond'
     ORDER BY c.seq`,
    [tenantNo, settledMs],
  )
  return rows.map((row) => ({
    seq: Number(row.seq),
    afterSeq: Number(row.after_seq),
    keptFrom: row.kept_from,
  }))
}

/** Lines up to `throughSeq` that a line behind it voids: it is decided again with what they took. */
export async function readVoidedLater(
  db: Queryable,
  tenantNo: number,
  throughSeq: number,
): Promise<number[]> {
  const { rows } = await db.query<{ voided: bigint }>(
    `SELECT (detail ->> 'voided_seq')::int8 AS voided FROM entry
     WHERE tenant_no = $1 AND kind NOT IN (3, 4) AND kind = 11 AND seq > $2
       AND (detail ->> 'voided_seq')::int8 <= $2`,
    [tenantNo, throughSeq],
  )
  return rows.map(({ voided }) => Number(voided))
}

/**
 * Deletes a page of what is cut off, and what its voids were about, which had waited for them.
 * @param kept numbers that stay for now
 * @returns where the page ended; null: there was nothing more
 */
export async function deletePage(
  db: Queryable,
  tenantNo: number,
  page: ToSweep & { kept: readonly number[]; limit: number },
): Promise<{ throughSeq: number | null; deleted: number }> {
  const result = await db.query<{ through: bigint | null; deleted: bigint }>({
    name: 'delete_page',
    text: `WITH page AS MATERIALIZED (
        SELECT seq, kind, detail FROM entry
        WHERE tenant_no = $1 AND seq > $2 AND seq <= $3 AND kind = ANY ($4::int2[])
        ORDER BY seq LIMIT $5
      ), chosen AS MATERIALIZED (
        SELECT seq FROM page
        UNION SELECT (detail ->> 'voided_seq')::int8 FROM page WHERE kind = 11
      ), deleted AS (
        DELETE FROM entry
        WHERE tenant_no = $1 AND recorded_at < $6 AND kind = ANY ($4::int2[])
          AND seq = ANY (ARRAY(SELECT seq FROM chosen)) AND seq <> ALL ($7::int8[])
        RETURNING 1
      )
      SELECT (SELECT max(seq) FROM page) AS through, (SELECT count(*) FROM deleted) AS deleted`,
    values: [
      tenantNo,
      page.afterSeq,
      page.seq,
      DELETED_KIND_CODES,
      page.limit,
      new Date(page.keptFrom),
      page.kept,
    ],
  })
  const { through, deleted } = onlyRow(result)
  return { throughSeq: through === null ? null : Number(through), deleted: Number(deleted) }
}

export async function markSwept(db: Queryable, tenantNo: number, seq: number): Promise<void> {
  await db.query('UPDATE log_cut SET swept = true WHERE tenant_no = $1 AND seq = $2', [
    tenantNo,
    seq,
  ])
}

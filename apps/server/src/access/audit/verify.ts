import type { Queryable } from '../../db/pool.ts'
import { VERIFY_LINES_PER_READ } from '../../limits.ts'
import { type AuditLine, hashOfLine, NO_HASH } from './hash.ts'
import type { Head } from './heads.ts'
import { type HeadRow, type LineRow, readChainForward, readHash, readHeads } from './store.ts'

/** `tenantNo` 0: of the operator's own chain. */
export type AuditDifference = { tenantNo: number; seq: bigint | null; what: string }
export type VerifiedAudit = {
  lines: number
  differences: AuditDifference[]
  /** Where the chains end, as stored. */
  heads: Head[]
}

/** Told how many lines there are, and how many more of them were verified. */
export type AuditProgress = { total(lines: number): void; verified(lines: number): void }

/**
 * Hashes every chain again from its first line, and compares with what is stored; and with `earlier`
 * heads, which somebody kept where those who write the database do not. `db` should be in one snapshot.
 */
export async function verifyAudit(
  db: Queryable,
  earlier: readonly Head[],
  progress: AuditProgress,
): Promise<VerifiedAudit> {
  const rows = await readHeads(db)
  progress.total(rows.reduce((sum, { lines }) => sum + lines, 0))
  const result: VerifiedAudit = { lines: 0, differences: [], heads: rows.flatMap(headOf) }
  for (const row of rows) {
    const chain = new Chain(row.tenant_no)
    await follow(db, chain, progress)
    chain.end(row)
    result.lines += chain.lines
    result.differences.push(...chain.differences)
  }
  for (const head of earlier) result.differences.push(...(await sinceThen(db, head)))
  return result
}

function headOf({ tenant_no, last_seq, last_hash }: HeadRow): Head[] {
  if (last_seq === null || last_hash === null || last_seq === 0n) return []
  return [{ tenantNo: tenant_no, seq: last_seq, hash: last_hash.toString('hex') }]
}

async function follow(db: Queryable, chain: Chain, progress: AuditProgress): Promise<void> {
  for (;;) {
    const rows = await readChainForward(db, chain.tenantNo, chain.readTo, VERIFY_LINES_PER_READ)
    for (const row of rows) chain.add(row)
    progress.verified(rows.length)
    if (rows.length < VERIFY_LINES_PER_READ) return
  }
}

class Chain {
  lines = 0
  readonly differences: AuditDifference[] = []
  readonly tenantNo: number
  /** The number of the line that was read last; null: none yet. */
  readTo: bigint | null = null
  private hash: Buffer = NO_HASH

  constructor(tenantNo: number) {
    this.tenantNo = tenantNo
  }

  add(row: LineRow): void {
    const expected = (this.readTo ?? 0n) + 1n
    if (row.seq !== expected) this.differs(expected, missing(expected, row.seq))
    // After a gap the hash before is gone: what can be said is that lines are missing.
    else if (!hashOfLine(this.line(row), this.hash).equals(row.hash)) {
      this.differs(row.seq, 'does not fit its hash: this line, or the hash before it, was changed')
    }
    this.lines += 1
    this.readTo = row.seq
    this.hash = row.hash
  }

  end({ last_seq, last_hash }: HeadRow): void {
    const end = this.readTo ?? 0n
    if (last_seq === null || last_hash === null) this.differs(null, 'the chain has no head')
    else if (last_seq > end) this.differs(end + 1n, missing(end + 1n, last_seq + 1n))
    else if (last_seq < end) {
      this.differs(last_seq + 1n, `was put in: the chain ends with line ${last_seq}`)
    } else if (!last_hash.equals(this.hash)) {
      this.differs(end, 'has another hash than the head of the chain')
    }
  }

  private line(row: LineRow): AuditLine {
    return {
      tenantNo: this.tenantNo,
      seq: row.seq,
      recordedAt: row.recorded_at,
      actorKind: row.actor_kind,
      actorId: row.actor_id,
      action: row.action,
      objectKind: row.object_kind,
      objectId: row.object_id,
      address: row.address,
      requestId: row.request_id,
      before: row.before,
      after: row.after,
      logSeq: row.log_seq,
    }
  }

  private differs(seq: bigint | null, what: string): void {
    this.differences.push({ tenantNo: this.tenantNo, seq, what })
  }
}

/** Of lines from `first` to before `next`. A line below 1 was put in, and then nothing is missing. */
function missing(first: bigint, next: bigint): string {
  if (next < first) return `comes after a line with the number ${next}, which was put in`
  return next - first === 1n ? 'is missing' : `is missing, and so are those to ${next - 1n}`
}

async function sinceThen(db: Queryable, { tenantNo, seq, hash }: Head): Promise<AuditDifference[]> {
  const found = await readHash(db, tenantNo, seq)
  if (found?.toString('hex') === hash) return []
  const what = found === null ? 'is gone' : 'has another hash'
  return [{ tenantNo, seq, what: `${what} since its head was kept: the chain was written anew` }]
}

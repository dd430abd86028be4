import { hash } from 'node:crypto'

/** A line as it is hashed: every column of `audit` but its number in the order of all, and the hash itself. */
export type AuditLine = {
  tenantNo: number
  seq: bigint
  /** Seconds since 1970 with six decimals, as PostgreSQL's `extract(epoch from …)` writes them. */
  recordedAt: string
  actorKind: string
  actorId: string | null
  action: string
  objectKind: string
  objectId: string | null
  address: string | null
  requestId: string | null
  /** The text of the JSON, to the letter. */
  before: string | null
  after: string | null
  logSeq: bigint | null
}

/** Before the first line of a chain. */
export const NO_HASH = Buffer.alloc(32)

/**
 * SHA-256 over the UTF-8 of a JSON array of strings and nulls, without white space: the name of this
 * form, the hash before in hex, then the columns in their order. Lines that exist were hashed so:
 * another form needs another name, and `verify` must know both.
 */
export function hashOfLine(line: AuditLine, previous: Buffer): Buffer {
  return hash('sha256', canonical(line, previous), 'buffer')
}

function canonical(line: AuditLine, previous: Buffer): string {
  return JSON.stringify([
    'tollgate audit 1',
    previous.toString('hex'),
    String(line.tenantNo),
    String(line.seq),
    line.recordedAt,
    line.actorKind,
    line.actorId,
    line.action,
    line.objectKind,
    line.objectId,
    line.address,
    line.requestId,
    line.before,
    line.after,
    line.logSeq === null ? null : String(line.logSeq),
  ])
}

/** Milliseconds as `recordedAt` has them. */
export function epochText(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  return `${seconds}.${String(ms - seconds * 1_000).padStart(3, '0')}000`
}

import { hash } from 'node:crypto'

/** Where a chain ended at some time. */
export type Head = { tenantNo: number; seq: bigint; hash: string }

/** The text of a file of heads: a line for each chain, with its tenant's number, its last line's number and hash. */
export function headsText(heads: readonly Head[]): string {
  return heads.map(({ tenantNo, seq, hash }) => `${tenantNo} ${seq} ${hash}\n`).join('')
}

/** What `sha256sum` says of the file: short enough to be kept where no file can be. */
export function hashOfHeads(text: string): string {
  return hash('sha256', text, 'hex')
}

/** The heads of a file; null: it is no such file. */
export function parseHeads(text: string): Head[] | null {
  const lines = text.split('\n')
  if (lines.pop() !== '' || lines.length === 0) return null
  const heads = lines.map((line) => /^(\d{1,10}) (\d{1,18}) ([0-9a-f]{64})$/.exec(line))
  if (heads.some((found) => found === null)) return null
  return heads.map((found) => ({
    tenantNo: Number(found![1]),
    seq: BigInt(found![2]!),
    hash: found![3]!,
  }))
}

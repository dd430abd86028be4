import { createHash } from 'node:crypto'
import type { Queryable } from '../../db/pool.ts'
import { encodeAccountState } from '../account-state.ts'
import type { StoredEntry } from '../entry-row.ts'
import type { Cut } from './cut.ts'
import { readCuts, readLastingEntries } from './store.ts'

/** What a cut is known by: itself, the lines that stay between the one before and it, and that one. */
export async function hashOfCut(
  db: Queryable,
  cut: Omit<Cut, 'hash'>,
  before: Cut | null,
): Promise<string> {
  const { tenantNo, account, keptFrom, keyed } = cut
  const { lastSeq: throughSeq } = account
  const stretch = { afterSeq: before?.account.lastSeq ?? 0, throughSeq }
  const lasting = await readLastingEntries(db, tenantNo, stretch)
  const hash = createHash('sha256')
  hash.update(before?.hash ?? '')
  hash.update(encodeAccountState(account))
  hash.update(JSON.stringify([tenantNo, throughSeq, keptFrom, keyed.lines, String(keyed.seqs)]))
  for (const entry of lasting) hash.update(lineText(entry))
  return hash.digest('hex')
}

function lineText(entry: StoredEntry): string {
  return JSON.stringify(entry, (_key, value) => (typeof value === 'bigint' ? String(value) : value))
}

/**
 * The cuts of a log, the last one and what is wrong with any: who changes a state that was kept, or a
 * line that stays, must also make all hashes behind it again.
 */
export async function checkedCuts(
  db: Queryable,
  tenantNo: number,
): Promise<{ last: Cut | null; wrong: { seq: number; what: string }[] }> {
  const wrong: { seq: number; what: string }[] = []
  let before: Cut | null = null
  for (const cut of await readCuts(db, tenantNo)) {
    const { account, hash } = cut
    if ((await hashOfCut(db, cut, before)) !== hash) {
      const what =
        'what is kept of the log before this line, or a line of it that stays, was changed'
      wrong.push({ seq: account.lastSeq, what })
    }
    before = cut
  }
  return { last: before, wrong }
}

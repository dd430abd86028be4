import type pg from 'pg'
import { type KnownKey, readKnownKeys } from './store.ts'
import { type LedgerError, type Receipt, replayOrConflict, type Submission } from './submission.ts'
import type { Account } from './types.ts'

/** Of the submissions' keys those that are taken, by the submissions' ids. */
export async function knownKeys(
  submissions: readonly Submission[],
  client: pg.Client,
): Promise<Map<string, KnownKey>> {
  const wanted = submissions.map(({ tenantNo, idempotency }) => ({
    tenantNo,
    key: idempotency.key,
  }))
  const known = await readKnownKeys(client, wanted)
  return new Map(known.map((found) => [`${found.tenantNo}:${found.key}`, found]))
}

/** The first answer again, or a conflict; or that it is no more known: the key stays used up. */
export function answerToKnown(
  submission: Submission,
  { entry, fingerprint }: KnownKey,
  account: Account,
): Receipt | LedgerError {
  if (entry === null) return replayOrConflict(submission, fingerprint, null)
  const first = { entry, account, replayed: true, refusal: null }
  return replayOrConflict(submission, fingerprint, first)
}

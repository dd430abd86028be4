import type { Queryable } from '../db/pool.ts'
import { openAccount } from './account.ts'
import { PLAIN_LINE } from './step.ts'
import { insertAccount, writeBatch } from './store.ts'
import type { Account, Entry } from './types.ts'

/** Begins a tenant's log with its first line, inside the transaction that makes the tenant. */
export async function openLog(
  client: Queryable,
  opening: Parameters<typeof openAccount>[0],
): Promise<Account> {
  const account = openAccount(opening)
  await insertAccount(client, account)
  const line = {
    tenantNo: account.tenantNo,
    senderNo: null,
    entry: openEntry(account),
    idempotency: null,
  }
  await writeBatch(client, { accounts: [{ beforeSeq: 0, after: account }], lines: [line] })
  return account
}

/** What line 1 of a log says of the account that it opens. */
export function openingFrom(
  tenantNo: number,
  { detail, recordedAt }: Entry,
): Parameters<typeof openAccount>[0] {
  return {
    tenantNo,
    planVersionNo: Number(detail?.plan_version_no),
    timeZone: String(detail?.time_zone),
    region: (detail?.region ?? null) as string | null,
    trialDays: Number(detail?.trial_days ?? 0),
    testClock: detail?.test_clock === undefined ? null : recordedAt,
    now: recordedAt,
  }
}

/** Line 1: what an account begins with, so that the rest can be told from the log alone. */
export function openEntry(account: Account): Entry {
  return {
    ...PLAIN_LINE,
    seq: 1,
    kind: 'open',
    recordedAt: account.lastAt,
    remaining: 0n,
    used: 0n,
    detail: {
      plan_version_no: account.planVersionNo,
      time_zone: account.timeZone,
      region: account.region,
      ...(account.trialEnd === null
        ? {}
        : { trial_days: (account.trialEnd - account.lastAt) / 86_400_000 }),
      ...(account.testClock === null
        ? {}
        : { test_clock: new Date(account.testClock).toISOString() }),
    },
  }
}

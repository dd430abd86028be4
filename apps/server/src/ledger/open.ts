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
    },
  }
}

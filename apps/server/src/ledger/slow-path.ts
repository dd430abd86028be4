import type pg from 'pg'
import type { Catalog } from '../catalog/catalog.ts'
import { classifyDatabaseError } from '../db/errors.ts'
import type { Clock } from '../lib/clock.ts'
import { decideBatch } from './decide-batch.ts'
import { answerToKnown, knownKeys } from './known-keys.ts'
import { loadPlans } from './plan-at-hand.ts'
import { lockAccounts, writeBatch } from './store.ts'
import { LedgerError, type Receipt, type Submission } from './submission.ts'
import type { Account } from './types.ts'

export type SlowPathDependencies = {
  catalog: Catalog
  clock: Clock
  /** Called for failures that are nobody's expected conflict. */
  onError: (error: unknown) => void
}

export type Settled = {
  answers: { submission: Submission; answer: Receipt | LedgerError }[]
  /** The accounts as they are now in the database. */
  accounts: Account[]
  lostConnection: boolean
}

/** One that stands alone and still meets others is tried this often. */
const TRIES_MAX = 5

/**
 * Decides submissions whose batch failed: locks their accounts, looks up which keys are known by now
 * (those are replays), decides and writes the rest, all in one transaction. Whatever fails even so is
 * halved until what cannot be done stands alone; the others are not harmed by it.
 */
export async function decideAgain(
  submissions: Submission[],
  deps: SlowPathDependencies,
  client: () => Promise<pg.Client>,
  tries = 1,
): Promise<Settled> {
  try {
    return await underLocks(submissions, deps, await client())
  } catch (error) {
    const failure = classifyDatabaseError(error)
    if (failure === 'unavailable') {
      const unavailable = new LedgerError('database_unavailable', error)
      return { ...nothingBut(submissions, unavailable), lostConnection: true }
    }
    if (submissions.length > 1) return halves(submissions, deps, client)
    if (failure !== 'other' && tries < TRIES_MAX) {
      return decideAgain(submissions, deps, client, tries + 1)
    }
    deps.onError(error)
    return nothingBut(submissions, new LedgerError('internal_error', error))
  }
}

async function halves(
  submissions: Submission[],
  deps: SlowPathDependencies,
  client: () => Promise<pg.Client>,
): Promise<Settled> {
  const middle = Math.ceil(submissions.length / 2)
  const first = await decideAgain(submissions.slice(0, middle), deps, client)
  const second = first.lostConnection
    ? nothingBut(submissions.slice(middle), new LedgerError('database_unavailable'))
    : await decideAgain(submissions.slice(middle), deps, client)
  return {
    answers: [...first.answers, ...second.answers],
    // In this order: where both touched an account, the second one's is newer.
    accounts: [...first.accounts, ...second.accounts],
    lostConnection: first.lostConnection || second.lostConnection,
  }
}

function nothingBut(submissions: Submission[], error: LedgerError): Settled {
  const answers = submissions.map((submission) => ({ submission, answer: error }))
  return { answers, accounts: [], lostConnection: false }
}

async function underLocks(
  submissions: Submission[],
  deps: SlowPathDependencies,
  client: pg.Client,
): Promise<Settled> {
  await client.query('BEGIN')
  try {
    const settled = await lockAndDecide(submissions, deps, client)
    await client.query('COMMIT')
    return settled
  } catch (error) {
    // If this fails too the connection is gone, and the first error says more.
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

async function lockAndDecide(
  submissions: Submission[],
  deps: SlowPathDependencies,
  client: pg.Client,
): Promise<Settled> {
  const tenantNos = [...new Set(submissions.map(({ tenantNo }) => tenantNo))]
  const locked = await lockAccounts(client, tenantNos)
  await loadPlans(deps.catalog, locked)
  const accounts = new Map(locked.map((account) => [account.tenantNo, account]))
  const known = await knownKeys(submissions, client)

  const answers = new Map<Submission, Receipt | LedgerError>()
  const fresh: Submission[] = []
  for (const submission of submissions) {
    const account = accounts.get(submission.tenantNo)
    const taken = known.get(submission.id)
    if (account === undefined) answers.set(submission, new LedgerError('tenant_not_found'))
    else if (taken === undefined) fresh.push(submission)
    else answers.set(submission, answerToKnown(submission, taken, account))
  }
  const decided = decideBatch(fresh, (no) => accounts.get(no), deps.catalog, deps.clock.now())
  await writeBatch(client, decided.batch)
  fresh.forEach((submission, index) => {
    answers.set(submission, decided.receipts[index]!)
  })
  for (const { after } of decided.batch.accounts) accounts.set(after.tenantNo, after)
  return {
    answers: submissions.map((submission) => ({ submission, answer: answers.get(submission)! })),
    accounts: [...accounts.values()],
    lostConnection: false,
  }
}

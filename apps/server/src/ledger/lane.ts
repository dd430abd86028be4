import { LRUCache } from 'lru-cache'
import type pg from 'pg'
import type { Catalog } from '../catalog/catalog.ts'
import { classifyDatabaseError } from '../db/errors.ts'
import type { Clock } from '../lib/clock.ts'
import {
  ACCOUNTS_CACHED_MAX,
  LANE_BATCH_EVENTS_MAX,
  LANE_PIPELINE_BATCHES_MAX,
  LANE_PIPELINE_EVENTS_MIN,
  LANE_QUEUE_EVENTS_MAX,
  LANES_COUNT,
} from '../limits.ts'
import { type DecidedBatch, decideBatch } from './decide-batch.ts'
import { answerToKnown, knownKeys } from './known-keys.ts'
import { LaneConnection } from './lane-connection.ts'
import type { LaneMeter } from './meter.ts'
import { PendingSubmissions } from './pending-submissions.ts'
import { loadPlans } from './plan-at-hand.ts'
import { decideAgain } from './slow-path.ts'
import { readAccounts, writeBatch } from './store.ts'
import { LedgerError, type Receipt, type Submission } from './submission.ts'
import type { Account } from './types.ts'
import type { Watchers } from './watchers.ts'

export type LaneDependencies = {
  connect: () => Promise<pg.Client>
  catalog: Catalog
  clock: Clock
  meter: LaneMeter
  watchers: Watchers
  /** Called for failures that are nobody's expected conflict. */
  onError: (error: unknown) => void
}

/**
 * Serves the tenants that hash to it, one after the other per tenant. Everything that waits becomes
 * one batch: one statement, one commit (group commit without a timer). Up to
 * LANE_PIPELINE_BATCHES_MAX batches are on their way at once: each is decided on what the one before
 * will leave. If one fails, all behind it fail (`writeBatch`); then the lane waits until nothing is on
 * its way and decides the failed ones again, under locks.
 */
export class Lane {
  private queue: Submission[] = []
  /** By tenant and key: a key that is on its way already is not sent a second time. */
  private readonly pending = new PendingSubmissions()
  /** What each account will be once all that was sent is committed. */
  private readonly accounts = new LRUCache<number, Account>({
    max: ACCOUNTS_CACHED_MAX / LANES_COUNT,
  })
  /** Submissions whose account is being read, by tenant. */
  private readonly parked = new Map<number, Submission[]>()
  private batchesOnTheWay = 0
  private batchesSent = 0
  private failed: Submission[][] = []
  private recovering = false
  private scheduled = false
  private waiting = 0
  private readonly drained: (() => void)[] = []
  private readonly connection: LaneConnection
  private readonly deps: LaneDependencies

  constructor(deps: LaneDependencies) {
    this.deps = deps
    this.connection = new LaneConnection(deps.connect)
  }

  /** Settles the submission's promise; never throws. */
  submit(submission: Submission): void {
    if (this.waiting >= LANE_QUEUE_EVENTS_MAX) {
      submission.answer(new LedgerError('overloaded'))
      return
    }
    this.waiting += 1
    this.deps.meter.waiting += 1
    const first = this.pending.get(submission.id)
    if (first !== undefined) {
      first.followers.push(submission)
      return
    }
    this.pending.add(submission)
    this.enqueue(submission)
    // While more is being read from the sockets, the database can work on this already.
    if (this.queue.length >= LANE_PIPELINE_EVENTS_MIN && this.mayBegin()) this.pump()
    else this.schedule()
  }

  /** Resolves when nothing waits and nothing is on its way. */
  async drain(): Promise<void> {
    if (this.waiting > 0) await new Promise<void>((resolve) => this.drained.push(resolve))
    await this.connection.close()
  }

  private enqueue(submission: Submission): void {
    const parked = this.parked.get(submission.tenantNo)
    if (parked === undefined) this.queue.push(submission)
    else parked.push(submission)
  }

  /** After the sockets were read: what arrived together becomes one batch. */
  private schedule(): void {
    if (this.scheduled) return
    this.scheduled = true
    setImmediate(() => {
      this.scheduled = false
      this.pump()
    })
  }

  private pump(): void {
    if (this.recovering) return
    while (this.mayBegin()) {
      const submissions = this.withAccounts(this.queue.splice(0, LANE_BATCH_EVENTS_MAX))
      const decided = this.decide(submissions)
      if (decided === null) {
        this.setAside(submissions)
        return
      }
      if (submissions.length > 0) void this.send(decided)
    }
  }

  /** A small batch waits for the one before it: half as many commits are better than half as large ones. */
  private mayBegin(): boolean {
    const waiting = this.queue.length
    if (waiting === 0 || this.batchesOnTheWay >= LANE_PIPELINE_BATCHES_MAX) return false
    return this.batchesOnTheWay === 0 || waiting >= LANE_PIPELINE_EVENTS_MIN
  }

  /** @returns null if one of them cannot be decided: a fault of the program, or of a catalog */
  private decide(submissions: Submission[]): DecidedBatch | null {
    const { catalog, clock, onError } = this.deps
    try {
      const decided = decideBatch(submissions, (no) => this.accounts.get(no), catalog, clock.now())
      for (const { after } of decided.batch.accounts) this.accounts.set(after.tenantNo, after)
      return decided
    } catch (error) {
      onError(error)
      return null
    }
  }

  /** The slow path finds out which one it is, and carries out the others. */
  private setAside(submissions: Submission[]): void {
    this.failed.push(submissions)
    this.recovering = true
    if (this.batchesOnTheWay === 0) void this.recover()
  }

  private async send(decided: DecidedBatch): Promise<void> {
    const behind = this.batchesOnTheWay === 0 ? null : String(this.batchesSent)
    this.batchesSent += 1
    const own = String(this.batchesSent)
    this.batchesOnTheWay += 1
    const finished = this.deps.meter.batchStarted(decided.submissions.length)
    try {
      await writeBatch(await this.connection.client(), decided.batch, { behind, own })
      finished('committed')
      this.settle(decided)
      this.deps.watchers.tell(decided.batch.accounts)
    } catch (error) {
      finished('failed')
      this.fail(decided, error)
    } finally {
      this.batchesOnTheWay -= 1
      if (this.recovering && this.batchesOnTheWay === 0) void this.recover()
      else this.pump()
    }
  }

  private settle({ submissions, receipts }: DecidedBatch): void {
    const refused: [Submission, Receipt][] = []
    submissions.forEach((submission, index) => {
      const receipt = receipts[index]!
      if (receipt.refusal === null) this.answer(submission, receipt)
      else refused.push([submission, receipt])
    })
    if (refused.length > 0) void this.settleRefused(refused)
  }

  /**
   * What is refused writes no key, so nothing has said yet whether its key is known: an order that was
   * carried out before (and closed its hold, or took the credits) must get its first answer again.
   */
  private async settleRefused(refused: [Submission, Receipt][]): Promise<void> {
    try {
      const submissions = refused.map(([submission]) => submission)
      const known = await knownKeys(submissions, await this.connection.client())
      for (const [submission, receipt] of refused) {
        const taken = known.get(submission.id)
        const answer = taken && answerToKnown(submission, taken, receipt.account)
        this.answer(submission, answer ?? receipt)
      }
    } catch (error) {
      const unknown = new LedgerError('database_unavailable', error)
      for (const [submission] of refused) this.answer(submission, unknown)
    }
  }

  private answer(submission: Submission, answer: Receipt | LedgerError): void {
    this.release(submission)
    submission.answer(answer)
  }

  private fail(decided: DecidedBatch, error: unknown): void {
    for (const { after } of decided.batch.accounts) this.accounts.delete(after.tenantNo)
    const failure = classifyDatabaseError(error)
    if (failure === 'unavailable') {
      this.connection.discard()
      const unavailable = new LedgerError('database_unavailable', error)
      for (const submission of decided.submissions) this.answer(submission, unavailable)
    } else {
      if (failure === 'other') this.deps.onError(error)
      this.failed.push(decided.submissions)
    }
    this.recovering = true
  }

  /** Nothing is on its way now: what failed is decided again, in order, before anything newer. */
  private async recover(): Promise<void> {
    const submissions = this.failed.flat()
    this.failed = []
    if (submissions.length > 0) {
      this.deps.meter.slowPath(submissions.length)
      const settled = await decideAgain(submissions, this.deps, () => this.connection.client())
      for (const account of settled.accounts) this.accounts.set(account.tenantNo, account)
      if (settled.lostConnection) this.connection.discard()
      for (const { submission, answer } of settled.answers) this.answer(submission, answer)
      this.deps.watchers.tell(settled.accounts.map((after) => ({ after })))
    }
    this.recovering = false
    this.pump()
  }

  /** A submission is about to be answered, and with it those that waited for the same key. */
  private release(submission: Submission): void {
    this.pending.remove(submission)
    const answered = 1 + submission.followers.length
    this.waiting -= answered
    this.deps.meter.waiting -= answered
    if (this.waiting === 0) for (const resolve of this.drained.splice(0)) resolve()
  }

  /** Those whose account is at hand; the others wait until it has been read. */
  private withAccounts(submissions: Submission[]): Submission[] {
    const missing = new Set<number>()
    const ready = submissions.filter((submission) => {
      const { tenantNo } = submission
      if (this.accounts.has(tenantNo)) return true
      if (!this.parked.has(tenantNo)) {
        this.parked.set(tenantNo, [])
        missing.add(tenantNo)
      }
      this.parked.get(tenantNo)!.push(submission)
      return false
    })
    if (missing.size > 0) void this.load([...missing])
    return ready
  }

  private async load(tenantNos: number[]): Promise<void> {
    let failure: unknown = null
    const found = new Set<number>()
    try {
      const accounts = await readAccounts(await this.connection.client(), tenantNos)
      await loadPlans(this.deps.catalog, accounts)
      for (const account of accounts) {
        found.add(account.tenantNo)
        this.remember(account)
      }
    } catch (error) {
      failure = error
      this.connection.discard()
    }
    for (const tenantNo of tenantNos) this.unpark(tenantNo, found.has(tenantNo), failure)
    this.pump()
  }

  /** A read that was overtaken by a write must not put back what the write has changed. */
  private remember(account: Account): void {
    const known = this.accounts.peek(account.tenantNo)
    if (known === undefined || known.lastSeq < account.lastSeq) {
      this.accounts.set(account.tenantNo, account)
    }
  }

  private unpark(tenantNo: number, found: boolean, failure: unknown): void {
    const submissions = this.parked.get(tenantNo) ?? []
    this.parked.delete(tenantNo)
    if (found) {
      this.queue = submissions.concat(this.queue)
      return
    }
    const error =
      failure === null
        ? new LedgerError('tenant_not_found')
        : new LedgerError('database_unavailable', failure)
    for (const submission of submissions) {
      this.release(submission)
      submission.answer(error)
    }
  }
}

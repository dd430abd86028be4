import { isDeepStrictEqual } from 'node:util'
import pg from 'pg'
import type { Catalog } from '../catalog/catalog.ts'
import { classifyDatabaseError } from '../db/errors.ts'
import { ProblemError } from '../lib/problem-error.ts'
import { VERIFY_LINES_PER_READ } from '../limits.ts'
import { openAccount } from './account.ts'
import { encodeAccountState } from './account-state.ts'
import { changeFrom, commandFromEntry } from './command-from-entry.ts'
import { checkedCuts } from './cuts/chain.ts'
import type { Cut } from './cuts/cut.ts'
import { decide, newClockOf } from './decide.ts'
import { costOf, type StoredEntry } from './entry-row.ts'
import { openEntry, openingFrom } from './open.ts'
import { readAccounts, readEntriesForward, readEntry, readKeyCounts } from './store.ts'
import { planVersionAt, timeOf } from './subscription.ts'
import type { Account, Entry } from './types.ts'
import { voidedCall } from './void-verb.ts'

export type Difference = { tenantNo: number; seq: number | null; what: string }
/** `lines` are those that were there to be verified; those before the cut were when it was made. */
export type Verified = { lines: number; cutSeq: number; differences: Difference[] }

/**
 * Decides a tenant's log again from its first line, or from where it was cut, and compares every line, the account and the keys
 * with what is stored. `client` should be in one snapshot. A log that cannot be read or decided is a
 * difference, too; only a database that fails is an error.
 */
export async function verifyLog(
  client: pg.ClientBase,
  catalog: Catalog,
  tenantNo: number,
  onLines: (lines: number) => void = () => undefined,
): Promise<Verified> {
  const { last, wrong } = await checkedCuts(client, tenantNo)
  const fold = new LogFold(client, catalog, tenantNo, last)
  for (const { seq, what } of wrong) fold.differ(seq, what)
  try {
    await foldAll(fold, onLines)
  } catch (error) {
    if (isDatabaseFailure(error)) throw error
    fold.breakOff(error)
  }
  return fold.result()
}

function isDatabaseFailure(error: unknown): boolean {
  if (error instanceof ProblemError) return false
  return error instanceof pg.DatabaseError || classifyDatabaseError(error) !== 'other'
}

async function foldAll(fold: LogFold, onLines: (lines: number) => void): Promise<void> {
  for (;;) {
    const entries = await fold.read()
    for (const entry of entries) if (!(await fold.add(entry))) return
    onLines(entries.length)
    if (entries.length < VERIFY_LINES_PER_READ) break
  }
  await fold.compareWithStored()
}

/** Decides a log again, line by line, from its first one or from where it was cut. */
export class LogFold {
  private lines: number
  private account: Account | null
  private balance: bigint
  /** Lines that have a key: how many, and their numbers added up. */
  private readonly keyed: { lines: number; seqs: bigint }
  /** What is being done, to be told if it turns out to be impossible. */
  private doing: { seq: number | null; failing: string } = { seq: null, failing: '' }
  /** Lines for what time did, which come before the line of the command that noticed, if one did. */
  private lapsed: StoredEntry[] = []
  private readonly differences: Difference[] = []
  private readonly client: pg.ClientBase
  private readonly catalog: Catalog
  private readonly tenantNo: number
  private readonly cutSeq: number

  constructor(client: pg.ClientBase, catalog: Catalog, tenantNo: number, cut: Cut | null) {
    this.client = client
    this.catalog = catalog
    this.tenantNo = tenantNo
    this.account = cut?.account ?? null
    this.cutSeq = cut?.account.lastSeq ?? 0
    this.lines = this.cutSeq
    this.balance = cut?.account.balance ?? 0n
    this.keyed = { lines: cut?.keyed.lines ?? 0, seqs: cut?.keyed.seqs ?? 0n }
  }

  result(): Verified {
    const { cutSeq, differences } = this
    return { lines: this.lines - cutSeq, cutSeq, differences }
  }

  /** All that those who go on from here must know; null: what time did is not wholly decided yet. */
  point(): Pick<Cut, 'account' | 'keyed'> | null {
    const { account, balance, keyed } = this
    if (account === null || this.lapsed.length > 0 || account.lastSeq !== this.lines) return null
    if (account.balance !== balance) {
      this.differ(this.lines, `the balance is ${account.balance}, the lines add up to ${balance}`)
    }
    return { account, keyed: { ...keyed } }
  }

  breakOff(error: unknown): void {
    const { seq, failing } = this.doing
    this.differ(seq, `${failing}: ${error instanceof Error ? error.message : error}`)
  }

  read(): Promise<StoredEntry[]> {
    this.doing = { seq: null, failing: `the log cannot be read beyond line ${this.lines}` }
    return readEntriesForward(this.client, this.tenantNo, this.lines, VERIFY_LINES_PER_READ)
  }

  /** @returns false if nothing that follows can be judged */
  async add(entry: StoredEntry): Promise<boolean> {
    this.doing = { seq: entry.seq, failing: 'cannot be decided again' }
    this.lines += 1
    this.balance += entry.credits
    if (entry.seq !== this.lines) {
      return this.stop(this.lines, `line ${this.lines} is missing; the next is ${entry.seq}`)
    }
    if (entry.kind === 'open') return this.open(entry)
    if (this.account === null)
      return this.stop(1, 'the log does not begin with line 1 of kind open')
    if (entry.kind === 'expiry' || entry.kind === 'allowance') {
      const another = this.lapsed[0]?.recordedAt !== entry.recordedAt
      if (another) this.account = await this.lapse(this.account)
      this.lapsed.push(entry)
      return true
    }
    this.keyed.lines += 1
    this.keyed.seqs += BigInt(entry.seq)
    return this.decideAgain(this.account, entry)
  }

  async compareWithStored(): Promise<void> {
    if (this.account !== null) this.account = await this.lapse(this.account)
    this.doing = { seq: null, failing: 'the account cannot be read' }
    const [stored] = await readAccounts(this.client, [this.tenantNo])
    if (stored === undefined || this.account === null) {
      this.differ(null, stored === undefined ? 'there is no account' : 'there is no log')
      return
    }
    if (stored.lastSeq !== this.lines) {
      this.differ(null, `the account ends at line ${stored.lastSeq}, the log at ${this.lines}`)
    }
    const [is, should] = [stored, this.account].map(encodeAccountState)
    if (is !== should) this.differ(null, `the account is ${is}, its log makes it ${should}`)
    // Told by addition alone, without the rule that is checked above.
    if (this.balance !== stored.balance) {
      this.differ(null, `the balance is ${stored.balance}, the lines add up to ${this.balance}`)
    }
    await this.compareKeys()
  }

  private async compareKeys(): Promise<void> {
    const { lines, seqs } = this.keyed
    const keys = await readKeyCounts(this.client, this.tenantNo)
    if (keys.keys !== lines || keys.lines !== lines) {
      const there = `there are ${keys.keys} keys of ${keys.lines} lines`
      this.differ(null, `${lines} lines have keys, but ${there}`)
    } else if (keys.seqs !== seqs) {
      this.differ(null, `${lines} lines have keys, but the keys are of other lines`)
    }
  }

  private open(entry: StoredEntry): boolean {
    this.account = openAccount(openingFrom(this.tenantNo, entry))
    this.compare([openEntry(this.account)], [entry])
    return true
  }

  /** What time did is the same whether a command noticed or not, so it is decided by itself. */
  private async lapse(account: Account): Promise<Account> {
    const lines = this.lapsed
    this.lapsed = []
    if (lines.length === 0) return account
    const now = lines[0]!.recordedAt
    const terms = await this.catalog.loadPlanVersion(planVersionAt(account, now))
    // A test clock stands where the line says: it may be the change of the clock that noticed.
    const outcome = decide({ ...account, testClock: null }, { kind: 'lapse' }, terms, now)
    this.compare(outcome.entries, lines)
    return { ...outcome.account, testClock: account.testClock }
  }

  private async decideAgain(before: Account, entry: StoredEntry): Promise<boolean> {
    const account = await this.lapse(before)
    const at = timeOf(account, entry.recordedAt, newClockOf(changeOf(entry)))
    const terms = await this.catalog.loadPlanVersion(planVersionAt(account, at))
    const voidedSeq = entry.kind === 'void' ? Number(entry.detail?.voided_seq) : null
    const target =
      voidedSeq === null ? null : await readEntry(this.client, this.tenantNo, voidedSeq)
    if (voidedSeq !== null && target === null) {
      return this.stop(entry.seq, `voids line ${voidedSeq}, which is missing`)
    }
    const command = commandFromEntry(entry, () => voidedCall(target!))
    const outcome = decide(account, command, terms, entry.recordedAt)
    if (outcome.refusal !== null)
      return this.stop(entry.seq, `would be refused: ${outcome.refusal}`)
    this.compare(outcome.entries, [entry])
    this.account = outcome.account
    return true
  }

  private compare(should: readonly Entry[], is: readonly Entry[]): void {
    if (should.length !== is.length) {
      this.differ(is.at(-1)!.seq, `${is.length} lines are stored where ${should.length} belong`)
    }
    should.forEach((entry, index) => {
      const stored = is[index]
      if (stored === undefined) return
      const [a, b] = [comparable(stored), comparable(entry)]
      for (const name of Object.keys(a) as (keyof typeof a)[]) {
        if (isDeepStrictEqual(a[name], b[name])) continue
        this.differ(stored.seq, `${name} is ${text(a[name])}, it should be ${text(b[name])}`)
      }
    })
  }

  differ(seq: number | null, what: string): void {
    this.differences.push({ tenantNo: this.tenantNo, seq, what })
  }

  private stop(seq: number, what: string): false {
    this.differ(seq, what)
    return false
  }
}

function changeOf({ kind, detail }: StoredEntry) {
  return { kind, change: kind === 'change' ? changeFrom(detail ?? {}) : {} }
}

function comparable(entry: Entry) {
  return {
    seq: entry.seq,
    kind: entry.kind,
    recorded_at: entry.recordedAt,
    reason: entry.reason,
    counted: entry.counted,
    overage: entry.overage,
    credits: entry.credits,
    cost: costOf(entry),
    remaining: entry.remaining,
    used: entry.used,
    detail: entry.detail,
  }
}

function text(value: unknown): string {
  return JSON.stringify(value, (_key, member) =>
    typeof member === 'bigint' ? String(member) : member,
  )
}

import { openAccount } from '../../ledger/account.ts'
import { commandFromEntry } from '../../ledger/command-from-entry.ts'
import { commandOf } from '../../ledger/command-of.ts'
import { decide, newClockOf } from '../../ledger/decide.ts'
import type { StoredEntry } from '../../ledger/entry-row.ts'
import { openingFrom } from '../../ledger/open.ts'
import { planVersionAt, timeOf } from '../../ledger/subscription.ts'
import type { Account, AccountChange, Command } from '../../ledger/types.ts'
import { voidedCall } from '../../ledger/void-verb.ts'
import type { OtherTerms } from './versions.ts'

export type Replayed =
  /** What the line would be; null: nothing was asked, it tells of what time did. */
  | { readonly line: StoredEntry | null; readonly refused: false }
  /** It could not have been carried out, and is left out. */
  | { readonly line: null; readonly refused: true }

const NOTHING: Replayed = { line: null, refused: false }
const REFUSED: Replayed = { line: null, refused: true }

/**
 * Decides a log again under other terms, line by line from the first. It makes a log of its own: what
 * refers to an earlier line (a settlement, a void) is about what became of that line here.
 */
export class Replay {
  private readonly terms: OtherTerms
  /** Lines that a later one voids: what became of them is kept until then. */
  private readonly voids: ReadonlyMap<number, number>
  private readonly voided = new Map<number, StoredEntry>()
  /** Numbers that holds have here, by those that they have in the log. */
  private readonly holds = new Map<number, number>()
  private account: Account | null = null

  /**
   * @param voids the number of the void by that of the line it voids
   * @param begin the account where the log was cut, if it was: as it came to be under the terms in force
   */
  constructor(terms: OtherTerms, voids: ReadonlyMap<number, number>, begin: Account | null = null) {
    this.terms = terms
    this.voids = voids
    if (begin === null) return
    const { planVersionNo, pending } = begin
    const change = this.renumbered({ planVersionNo, pending })
    this.account = {
      ...begin,
      planVersionNo: change.planVersionNo!,
      pending: change.pending ?? null,
    }
    for (const { seq } of begin.holds) this.holds.set(seq, seq)
  }

  next(entry: StoredEntry): Replayed {
    if (entry.kind === 'open') {
      const opening = openingFrom(entry.tenantNo, entry)
      const planVersionNo = this.terms.numberOf(opening.planVersionNo)
      this.account = openAccount({ ...opening, planVersionNo })
      return NOTHING
    }
    if (this.account === null) throw new Error('a log begins with its opening')
    if (entry.kind === 'expiry' || entry.kind === 'allowance') {
      this.account = this.lapsed(this.account, entry.recordedAt)
      return NOTHING
    }
    return this.carryOut(this.account, entry)
  }

  /** Here other credits may come and go, or none; when somebody looked is the same. */
  private lapsed(account: Account, now: number): Account {
    const terms = this.terms.termsOf(planVersionAt(account, now))
    // A test clock stands where the line says: it may be the change of the clock that noticed.
    const outcome = decide({ ...account, testClock: null }, { kind: 'lapse' }, terms, now)
    return { ...outcome.account, testClock: account.testClock }
  }

  private carryOut(account: Account, entry: StoredEntry): Replayed {
    const command = this.commandOf(account, entry)
    if (command === null) return REFUSED
    const at = timeOf(account, entry.recordedAt, newClockOf(command))
    const terms = this.terms.termsOf(planVersionAt(account, at))
    const outcome = decide(account, command, terms, entry.recordedAt)
    this.account = outcome.account
    if (outcome.refusal !== null) return REFUSED
    const { tenantNo, senderNo } = entry
    const line = { ...outcome.entries.at(-1)!, tenantNo, senderNo }
    this.remember(outcome.account, entry.seq, line)
    return { line, refused: false }
  }

  /** Null: it is about a line that is not there, or took nothing, under these terms. */
  private commandOf(account: Account, entry: StoredEntry): Command | null {
    const target = entry.kind === 'void' ? this.takeVoided(entry) : null
    if (entry.kind === 'void' && target?.reason !== null) return null
    const command = commandFromEntry(entry, () => voidedCall(target!))
    switch (command.kind) {
      case 'call':
      case 'report': {
        // A request may have said what it costs; the log keeps what that came to. Rules overrule it.
        const { credits: reportedCredits, premium: reportedPremium } = command.price
        const call = { ...command.call, reportedCredits, reportedPremium }
        return this.priced({ kind: command.kind, call }, account, entry)
      }
      case 'change': {
        const { allowance: _, ...change } = command.change
        return this.priced({ kind: 'change', change: this.renumbered(change) }, account, entry)
      }
      case 'settlement':
      case 'release': {
        const holdSeq = this.holds.get(command.holdSeq)
        this.holds.delete(command.holdSeq)
        return holdSeq === undefined ? null : { ...command, holdSeq }
      }
      default:
        return command
    }
  }

  private priced(
    order: Parameters<typeof commandOf>[0] & { kind: 'call' | 'report' | 'change' },
    account: Account,
    { senderNo, recordedAt }: StoredEntry,
  ): Command {
    const at = timeOf(account, recordedAt, newClockOf(order))
    return commandOf(order, senderNo, account, this.terms.pricing, at)
  }

  private renumbered(change: AccountChange): AccountChange {
    const { planVersionNo, pending } = change
    const numberOf = (no: number | null) => (no === null ? null : this.terms.numberOf(no))
    return {
      ...change,
      ...(planVersionNo === undefined ? {} : { planVersionNo: this.terms.numberOf(planVersionNo) }),
      ...(pending == null ? {} : { pending: { planVersionNo: numberOf(pending.planVersionNo) } }),
    }
  }

  private takeVoided({ detail }: StoredEntry): StoredEntry | undefined {
    const seq = Number(detail?.voided_seq)
    const target = this.voided.get(seq)
    this.voided.delete(seq)
    return target
  }

  private remember(account: Account, seq: number, line: StoredEntry): void {
    if (this.voids.has(seq)) this.voided.set(seq, line)
    if (line.kind !== 'hold' || line.reason !== null) return
    this.holds.set(seq, line.seq)
    if (this.holds.size <= 2 * account.holds.length + HOLDS_KEPT_MIN) return
    // Those that freed themselves are nobody's any more.
    const open = new Set(account.holds.map((hold) => hold.seq))
    for (const [recorded, here] of this.holds) if (!open.has(here)) this.holds.delete(recorded)
  }
}

const HOLDS_KEPT_MIN = 100

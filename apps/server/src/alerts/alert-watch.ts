import type pg from 'pg'
import type { UsageMemory } from '../analytics/readings/memory.ts'
import { usageOfLast } from '../analytics/so-far.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { addJob } from '../db/jobs.ts'
import { inTransaction, type Queryable } from '../db/pool.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { type AccountNow, accountsAt } from '../ledger/readings.ts'
import type { Entry } from '../ledger/types.ts'
import type { Clock } from '../lib/clock.ts'
import { derivedKey, fingerprintOf } from '../lib/idempotency.ts'
import {
  ALERT_ERROR_RATE_SECONDS,
  ALERT_HELD_SECONDS_MAX,
  ALERT_RULES_PER_READ,
} from '../limits.ts'
import { CallsToday } from './calls-today.ts'
import { judge, type Looks, occasionOf } from './judge.ts'
import type { AlertMail } from './letter.ts'
import type { RecipientsOf } from './recipients.ts'
import {
  type DueRule,
  holdRule,
  limitHolding,
  markChecked,
  markRaised,
  type RulePlace,
  readDueRules,
} from './store.ts'
import type { AlertDetail, AlertRule } from './types.ts'

export type AlertWatchDependencies = {
  pool: pg.Pool
  catalog: Catalog
  ledger: Ledger
  memory: UsageMemory
  clock: Clock
  recipientsOf: RecipientsOf
  /** Of one tenant; its rules are looked at again. */
  onError: (error: unknown, tenantNo: number) => void
  /** Between looks at an error rate, other than usual: for tests. */
  errorRateSeconds?: number
}

/**
 * Looks at the rules of logs that have grown, and puts on record what is reached. Every node does: a line
 * has the key of its occasion, so there is one, whoever comes first and whoever is killed in the middle.
 */
export class AlertWatch {
  readonly #deps: AlertWatchDependencies
  readonly #callsToday = new CallsToday()
  #running: Promise<void> | null = null
  #stopped = false

  constructor(deps: AlertWatchDependencies) {
    this.#deps = deps
  }

  /** All that is due now. Who calls while it runs waits for that run. */
  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = null
    })
    return this.#running
  }

  /** Ends after the rule it is at. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running?.catch(() => undefined)
  }

  async #run(): Promise<void> {
    const { pool, errorRateSeconds = ALERT_ERROR_RATE_SECONDS } = this.#deps
    const limit = ALERT_RULES_PER_READ
    let behind: RulePlace = { tenantNo: 0, alertId: '' }
    while (!this.#stopped) {
      const due = await readDueRules(pool, behind, { limit, errorRateSeconds })
      if (due.length > 0) await markChecked(pool, await this.#checkAll(due))
      if (due.length < limit) return
      behind = due.at(-1)!.rule
    }
  }

  /** @returns those that need not be looked at again. One that fails keeps no other from it. */
  async #checkAll(due: readonly DueRule[]): Promise<DueRule[]> {
    const ofTenants = Map.groupBy(due, ({ rule }) => rule.tenantNo)
    const accounts = await this.#accountsOf([...ofTenants.keys()])
    const checked: DueRule[] = []
    for (const [tenantNo, at] of accounts) {
      const looks = this.#looksOf(at)
      for (const one of ofTenants.get(tenantNo)!) {
        if (this.#stopped) return checked
        try {
          if (await this.#check(one.rule, at, looks)) checked.push(one)
        } catch (error) {
          this.#deps.onError(error, tenantNo)
        }
      }
    }
    return checked
  }

  /** At once; one by one where one of them cannot be read. */
  async #accountsOf(tenantNos: number[]): Promise<Map<number, AccountNow>> {
    const { pool, catalog, clock, onError } = this.#deps
    try {
      return await accountsAt(pool, catalog, tenantNos, clock.now())
    } catch (error) {
      if (tenantNos.length > 1) {
        const found: [number, AccountNow][] = []
        for (const no of tenantNos) found.push(...(await this.#accountsOf([no])))
        return new Map(found)
      }
      onError(error, tenantNos[0]!)
      return new Map()
    }
  }

  /**
   * A plan without alerts raises none; what is reached by then is told when it has them again.
   * @returns whether that was all
   */
  async #check(rule: AlertRule, at: AccountNow, looks: Looks): Promise<boolean> {
    if (!at.terms.features.alerts || dueOccasion(rule, at) === null) return true
    const detail = await judge(rule, at, looks)
    return detail === null || this.#raise(rule, at, detail)
  }

  #looksOf({ account, now }: AccountNow): Looks {
    const { pool, memory } = this.#deps
    const { tenantNo, timeZone, lastSeq: seenSeq } = account
    const source = { pool, memory, tenantNo, timeZone, seenSeq }
    return {
      callsToday: (enough) => this.#callsToday.count(source, now, enough),
      last: (ms) => usageOfLast(ms, source, now),
    }
  }

  /**
   * The rule is held until it is on record: other nodes wait and find it raised, and who ends it has the
   * last word. E-mails are on their way as soon as the rule says that it was raised, and not before.
   * @returns not, where it was ended or disabled since it was read
   */
  #raise(seen: AlertRule, at: AccountNow, detail: AlertDetail): Promise<boolean> {
    return inTransaction(this.#deps.pool, async (db) => {
      await limitHolding(db, ALERT_HELD_SECONDS_MAX)
      const rule = await holdRule(db, seen)
      if (rule === null) return false
      const occasion = dueOccasion(rule, at)
      if (occasion === null) return true
      const line = await this.#putOnRecord(rule, occasion, detail)
      const raised = { occasion, seq: line.seq, at: line.recordedAt }
      if (rule.raised !== null && raised.seq <= rule.raised.seq) {
        // Told long ago, as of a quota that is back. What was raised last stays, and is not asked for again.
        await markRaised(db, rule, { ...rule.raised, occasion })
        return true
      }
      await markRaised(db, rule, raised)
      if (rule.notifyEmail) await this.#writeToOwners(db, rule, line)
      return true
    })
  }

  async #putOnRecord(rule: AlertRule, occasion: string, alert: AlertDetail): Promise<Entry> {
    const { tenantNo, alertId, createdAt } = rule
    const { entry } = await this.#deps.ledger.submit(
      tenantNo,
      null,
      { kind: 'alert', alert },
      {
        key: derivedKey('alert', alertId, createdAt, occasion),
        // Whoever comes second has looked later and found another value: it is the same occasion.
        fingerprint: fingerprintOf(['alert', alertId]),
      },
    )
    return entry!
  }

  async #writeToOwners(db: Queryable, { tenantNo }: AlertRule, line: Entry): Promise<void> {
    const { name, emails } = await this.#deps.recipientsOf(db, tenantNo)
    const alert = line.detail as AlertDetail
    for (const to of emails) {
      const mail: AlertMail = { to, name, alert, at: line.recordedAt }
      await addJob(db, 'send_alert', mail)
    }
  }
}

/** Null: there is none, or the rule was raised for it. */
function dueOccasion(rule: AlertRule, at: AccountNow): string | null {
  const occasion = occasionOf(rule, at)
  return occasion === rule.raised?.occasion ? null : occasion
}

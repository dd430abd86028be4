import type pg from 'pg'
import type { UsageMemory } from '../analytics/readings/memory.ts'
import { usageOfLast } from '../analytics/so-far.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { addJob } from '../db/jobs.ts'
import { inTransaction } from '../db/pool.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { type AccountNow, accountsAt } from '../ledger/readings.ts'
import type { Clock } from '../lib/clock.ts'
import { derivedKey, fingerprintOf } from '../lib/idempotency.ts'
import { ALERT_ERROR_RATE_SECONDS, ALERT_RULES_PER_READ } from '../limits.ts'
import { CallsToday } from './calls-today.ts'
import { judge, type Looks, occasionOf } from './judge.ts'
import type { AlertMail } from './letter.ts'
import type { RecipientsOf } from './recipients.ts'
import {
  type DueRule,
  markChecked,
  markOccasion,
  markRaised,
  type RulePlace,
  readDueRules,
} from './store.ts'
import type { AlertDetail, AlertRule, Raised } from './types.ts'

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

  /** Ends after the tenant it is at. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running?.catch(() => undefined)
  }

  async #run(): Promise<void> {
    const { pool, catalog, clock, errorRateSeconds = ALERT_ERROR_RATE_SECONDS } = this.#deps
    const limit = ALERT_RULES_PER_READ
    let behind: RulePlace = { tenantNo: 0, alertId: '' }
    for (;;) {
      const due = await readDueRules(pool, behind, { limit, errorRateSeconds })
      const ofTenants = Map.groupBy(due, ({ rule }) => rule.tenantNo)
      const accounts = await accountsAt(pool, catalog, [...ofTenants.keys()], clock.now())
      const checked: DueRule[] = []
      for (const [tenantNo, rules] of ofTenants) {
        if (this.#stopped) break
        try {
          await this.#check(rules, accounts.get(tenantNo)!)
          checked.push(...rules)
        } catch (error) {
          this.#deps.onError(error, tenantNo)
        }
      }
      await markChecked(pool, checked)
      if (this.#stopped) return
      if (due.length < limit) return
      behind = due.at(-1)!.rule
    }
  }

  /** A plan without alerts raises none; what is reached by then is told when it has them again. */
  async #check(due: readonly DueRule[], at: AccountNow): Promise<void> {
    const looks = this.#looksOf(at)
    for (const { rule } of at.terms.features.alerts ? due : []) {
      const occasion = occasionOf(rule, at)
      if (occasion === null || occasion === rule.raised?.occasion) continue
      const detail = await judge(rule, at, looks)
      if (detail !== null) await this.#raise(rule, occasion, detail)
    }
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

  async #raise(rule: AlertRule, occasion: string, alert: AlertDetail): Promise<void> {
    const { ledger } = this.#deps
    const { tenantNo, alertId, createdAt } = rule
    const { entry } = await ledger.submit(
      tenantNo,
      null,
      { kind: 'alert', alert },
      {
        key: derivedKey('alert', alertId, createdAt, occasion),
        // Whoever comes second has looked later and found another value: it is the same occasion.
        fingerprint: fingerprintOf(['alert', alertId]),
      },
    )
    const { seq, recordedAt, detail } = entry!
    await this.#told(rule, { occasion, seq, at: recordedAt }, detail as AlertDetail)
  }

  /** E-mails are on their way as soon as the rule says that it was raised, and not before. */
  async #told(rule: AlertRule, raised: Raised, alert: AlertDetail): Promise<void> {
    const { pool, recipientsOf } = this.#deps
    await inTransaction(pool, async (db) => {
      const isNew = await markRaised(db, rule, raised)
      if (!isNew) await markOccasion(db, rule, raised)
      if (!isNew || !rule.notifyEmail) return
      const { name, emails } = await recipientsOf(db, rule.tenantNo)
      for (const to of emails) {
        await addJob(db, 'send_alert', { to, name, alert, at: raised.at } satisfies AlertMail)
      }
    })
  }
}

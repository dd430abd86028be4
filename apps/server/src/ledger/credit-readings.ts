import type { CreditsState, GrantKind } from '@tollgate/contract'
import type { Catalog } from '../catalog/catalog.ts'
import type { PlanTerms } from '../catalog/types.ts'
import type { Queryable } from '../db/pool.ts'
import type { Clock } from '../lib/clock.ts'
import { entryId } from '../lib/ids.ts'
import { numberFromMicros } from '../lib/micros.ts'
import { wirePeriod } from '../lib/wire-period.ts'
import { availableCredits } from './account.ts'
import { forecastCredits } from './credit-forecast.ts'
import type { StoredEntry } from './entry-row.ts'
import { accountAt } from './readings.ts'
import { readEntriesBySeq } from './store.ts'
import type { Account, Grant, Micros } from './types.ts'

const DAY_MS = 86_400_000

/** What a tenant has of credits, and for how long. Reads its account and the lines of open grants. */
export async function readCredits(
  { pool, catalog, clock }: { pool: Queryable; catalog: Catalog; clock: Clock },
  tenantNo: number,
): Promise<CreditsState> {
  const { account, terms, now } = await accountAt(pool, catalog, tenantNo, clock.now())
  const after = await catalog.loadPlanVersion(account.pending?.planVersionNo ?? terms.planVersionNo)
  const seqs = account.grants.map(({ seq }) => seq)
  const entries = seqs.length === 0 ? [] : await readEntriesBySeq(pool, tenantNo, seqs)
  const lines = new Map(entries.map((entry) => [entry.seq, entry]))
  return {
    required: terms.credits === 'required',
    balance: numberFromMicros(account.balance),
    held: numberFromMicros(account.held),
    remaining: numberFromMicros(availableCredits(account)),
    grants: account.grants.map((grant) => grantOf(account, grant, lines.get(grant.seq) ?? null)),
    next_expiry: nextExpiry(account, after),
    period: {
      ...wirePeriod(account.period, account.timeZone),
      burned: numberFromMicros(account.counters.creditsBurned),
      overage: numberFromMicros(account.counters.creditsOverage),
    },
    allowance: terms.allowance && {
      credits: numberFromMicros(terms.allowance.credits),
      rollover_max: numberFromMicros(terms.allowance.rolloverMax),
      next_at: goesOn(account) && after.allowance !== null ? instant(account.period.end) : null,
    },
    forecast: forecastOf(account, terms, after, now),
  }
}

function grantOf(
  { tenantNo, allowance, lastSeq }: Account,
  { seq, remaining, priority, expiresAt }: Grant,
  line: StoredEntry | null,
): CreditsState['grants'][number] {
  // What time gave has its line only once something is written.
  const written = seq <= lastSeq
  const reason = line?.detail?.reason
  return {
    event_id: written ? entryId('evt', tenantNo, seq) : null,
    kind: seq === allowance?.seq ? 'allowance' : kindOf(line),
    reason: typeof reason === 'string' ? reason : null,
    remaining: numberFromMicros(remaining),
    priority,
    expires_at: expiresAt === null ? null : instant(expiresAt),
  }
}

function kindOf(line: StoredEntry | null): GrantKind {
  if (line?.kind === 'void') return 'refund'
  if (line?.kind === 'allowance' || line?.kind === 'change') return 'allowance'
  return line?.detail?.bought === true ? 'bought' : 'grant'
}

/** What the next period keeps of an allowance does not lapse. */
function nextExpiry(account: Account, after: PlanTerms): CreditsState['next_expiry'] {
  const keeps = goesOn(account) ? (after.allowance?.rolloverMax ?? 0n) : 0n
  const byTime = new Map<number, Micros>()
  for (const { seq, remaining, expiresAt } of account.grants) {
    if (expiresAt === null) continue
    const kept = seq === account.allowance?.seq && expiresAt === account.period.end ? keeps : 0n
    const lapses = remaining > kept ? remaining - kept : 0n
    if (lapses > 0n) byTime.set(expiresAt, (byTime.get(expiresAt) ?? 0n) + lapses)
  }
  if (byTime.size === 0) return null
  const at = Math.min(...byTime.keys())
  return { at: instant(at), credits: numberFromMicros(byTime.get(at)!) }
}

/** Whether another period follows the running one. */
function goesOn({ subscription, pending }: Account): boolean {
  return subscription === 'active' && pending?.planVersionNo !== null
}

function forecastOf(
  account: Account,
  terms: PlanTerms,
  after: PlanTerms,
  now: number,
): CreditsState['forecast'] {
  const { perDay, from, runsOutAt, reason } = forecastCredits(account, terms, after, now)
  return {
    per_day: perDay === null ? null : numberFromMicros(perDay),
    basis: {
      from: instant(from),
      to: instant(now),
      days: Number(((now - from) / DAY_MS).toFixed(2)),
    },
    runs_out_at: runsOutAt === null ? null : instant(runsOutAt),
    reason,
  }
}

function instant(ms: number): string {
  return new Date(ms).toISOString()
}

import { openAccount } from '../src/ledger/account.ts'
import { decide } from '../src/ledger/decide.ts'
import type {
  Account,
  Call,
  Command,
  Entry,
  Grant,
  Outcome,
  Refusal,
  SenderNo,
} from '../src/ledger/types.ts'
import { type TestPlan, testPlan, testPlanVersion } from './ledger-plans.ts'

export const UNIT = 1_000_000n
/** Late in a month that has 31 days, so that anchors and shorter months matter. */
export const OPENED_AT = Date.parse('2026-01-30T21:17:05.250Z')
/** A minute into the log of `newAccount`. */
export const NOW = OPENED_AT + 60_000

export const PLAIN_CALL: Call = {
  service: 'docs',
  endpoint: '/convert',
  method: 'POST',
  failed: false,
  region: null,
  feature: null,
  fileType: null,
  outputFormat: null,
  errorCode: null,
  fileSizeBytes: null,
  processingTimeMs: null,
  tokenCount: null,
  quantity: UNIT,
  properties: null,
  occurredAt: null,
  selfReported: false,
  reportedCredits: null,
  reportedPremium: null,
}

export function newAccount(plan: TestPlan): Account {
  const { planVersionNo } = testPlan(plan)
  return openAccount({ tenantNo: 7, planVersionNo, timeZone: 'UTC', region: null, now: OPENED_AT })
}

/** What the command does at `now` on the plan that the account is on. */
export function carryOut(account: Account, command: Command, now = NOW): Outcome {
  return decide(account, command, testPlanVersion(account.planVersionNo), now)
}

/** The account and the last line of a command that must not be refused. */
export function done(
  account: Account,
  command: Command,
  now = NOW,
): { account: Account; entry: Entry; entries: readonly Entry[] } {
  const outcome = carryOut(account, command, now)
  if (outcome.refusal !== null) throw new Error(`refused: ${outcome.refusal}`)
  return { account: outcome.account, entry: outcome.entries.at(-1)!, entries: outcome.entries }
}

export function refusal(account: Account, command: Command, now = NOW): Refusal | null {
  return carryOut(account, command, now).refusal
}

/** The account after a grant of `units`. */
export function given(
  account: Account,
  units: number,
  more: { priority?: number; expiresAt?: number | null; now?: number } = {},
): Account {
  const { priority = 100, expiresAt = null, now = NOW } = more
  return done(account, grant(units, { priority, expiresAt }), now).account
}

export function grant(
  units: number,
  { priority = 100, expiresAt = null }: Partial<Pick<Grant, 'priority' | 'expiresAt'>> = {},
): Command {
  return {
    kind: 'grant',
    credits: micros(units),
    priority,
    expiresAt,
    reason: 'a gift',
    bought: false,
  }
}

export function asked(
  kind: 'call' | 'report',
  units = 1,
  call: Partial<Call> = {},
  senderNo: SenderNo = null,
): Command {
  const price = { credits: micros(units), premium: false }
  return { kind, call: { ...PLAIN_CALL, ...call }, price, senderNo }
}

export function micros(units: number): bigint {
  return BigInt(Math.round(units * 1e6))
}

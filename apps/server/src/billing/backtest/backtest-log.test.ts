import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { logInMemory } from '../../../test/log-in-memory.ts'
import { histories, orderOf, senderOf, walk } from '../../../test/ledger-histories.ts'
import { OPENED_AT, PLAIN_CALL } from '../../../test/ledger-accounts.ts'
import { TEST_CATALOG } from '../../../test/ledger-plans.ts'
import { compileRules, compileTerms } from '../../catalog/compile.ts'
import { compileCatalog } from '../../catalog/other-catalog.ts'
import { type CatalogDefinition, catalogSchema, type PlanDefinition } from '../../catalog/schema.ts'
import type { PlanTerms } from '../../catalog/types.ts'
import { openAccount } from '../../ledger/account.ts'
import { commandOf, type Order } from '../../ledger/command-of.ts'
import { decide, newClockOf } from '../../ledger/decide.ts'
import { openEntry } from '../../ledger/open.ts'
import { planVersionAt, timeOf } from '../../ledger/subscription.ts'
import type { Account, Command } from '../../ledger/types.ts'
import { timelineOf } from '../usage/timeline.ts'
import { backtestLog, type LogBacktest } from './backtest-log.ts'
import { versionsIn } from './versions.ts'

const RUNS = 150
const EVER = { from: 0, to: Date.parse('2099-01-01') }
const LATER = Date.parse('2027-06-01')

/** Fees in advance and in arrears, units that are included, tiers, credits that are paid for. */
const PRICES: unknown[] = [
  { base: '10', per_unit: '0.10', included: 2 },
  {
    charges: [{ model: 'flat', name: 'Fee', amount: '7', timing: 'in_arrears' }],
    per_unit: '0.333',
  },
  {
    charges: [
      {
        model: 'graduated',
        name: 'Calls',
        meter: 'units',
        tiers: [
          { up_to: '3', unit_price: '1' },
          { up_to: null, unit_price: '0.5', flat: '2' },
        ],
      },
    ],
  },
  {
    charges: [
      { model: 'per_unit', name: 'Credits', meter: 'credits', unit_price: '0.01' },
      { model: 'flat', name: 'Fee', amount: '3.01', timing: 'in_advance' },
    ],
  },
]

/** The test plans, with prices; histories move between the first five and end on any. */
function catalogWith(
  change: (plan: object, name: string, index: number) => object = (plan) => plan,
): CatalogDefinition {
  const plans = Object.entries(TEST_CATALOG.plans).map(([name, { meters: _, ...plan }], index) => {
    const priced = { ...plan, price: PRICES[index % PRICES.length] }
    return [name, change(priced, name, index)] as const
  })
  return catalogSchema.parse({ catalog: 1, plans: Object.fromEntries(plans) })
}

/** Numbered so that histories, which know five, come through those with allowances as well. */
const ORDER = ['open', 'monthly', 'soft', 'rolling', 'hard', 'prepaid', 'tight']

function inForce(catalog: CatalogDefinition) {
  const terms = ORDER.map((name, index) => {
    return compileTerms(index + 1, name, 1, catalog.plans[name]! satisfies PlanDefinition)
  })
  const planVersion = (no: number): PlanTerms => terms[no - 1]!
  return { rules: compileRules(1, catalog.services, new Map()), planVersion }
}

type InForce = ReturnType<typeof inForce>
type Steps = Parameters<typeof walk>[1]

/** A log as a lane would have made it on this catalog. */
function logOf(steps: Steps, planVersionNo: number, catalog: InForce) {
  const opened = openAccount({
    tenantNo: 7,
    planVersionNo,
    timeZone: 'UTC',
    region: null,
    now: OPENED_AT,
  })
  const turns = walk(opened, steps, (account, drawn, _terms, clockNow) => {
    const command = asLanesDo(account, drawn, clockNow, catalog)
    const at = timeOf(account, clockNow, newClockOf(command))
    return decide(account, command, catalog.planVersion(planVersionAt(account, at)), clockNow)
  })
  const lines = turns.flatMap(({ command, outcome }) =>
    outcome.entries.map((entry) => ({ entry, senderNo: senderOf(command) })),
  )
  return logInMemory(7, [{ entry: openEntry(opened), senderNo: null }, ...lines])
}

function asLanesDo(account: Account, command: Command, clockNow: number, catalog: InForce) {
  const at = timeOf(account, clockNow, newClockOf(command))
  const order: Order =
    command.kind === 'call' || command.kind === 'report'
      ? {
          kind: command.kind,
          call: {
            ...command.call,
            reportedCredits: command.price.credits,
            reportedPremium: command.price.premium,
          },
        }
      : orderOf(command, at)
  return commandOf(order, senderOf(command), account, catalog, at)
}

async function compared(
  steps: Steps,
  planVersionNo: number,
  now: CatalogDefinition,
  then: CatalogDefinition,
): Promise<LogBacktest> {
  const catalog = inForce(now)
  const log = logOf(steps, planVersionNo, catalog)
  return backtestLog({
    log,
    versions: versionsIn(await log.changes()),
    spans: timelineOf(await log.changes(), LATER),
    termsOf: catalog.planVersion,
    profile: { currency: null, minimumCommitment: null },
    other: compileCatalog(then, new Map()),
    range: EVER,
    throughSeq: await log.length(),
  })
}

const plansByNumber = fc.integer({ min: 1, max: ORDER.length })

test('under the same catalog every period of any history costs the same, and no call goes otherwise', async () => {
  let amounts = 0
  let lines = 0
  await fc.assert(
    fc.asyncProperty(histories, plansByNumber, async ({ steps }, planVersionNo) => {
      const { periods } = await compared(steps, planVersionNo, catalogWith(), catalogWith())
      assert.ok(periods.length > 10)
      for (const period of periods) {
        assert.equal(period.otherwise.toFixed(2), period.now.toFixed(2))
        assert.equal(period.allowedToDenied + period.deniedToAllowed + period.refused, 0)
        if (!period.now.isZero()) amounts += 1
      }
      lines += steps.length
    }),
    { numRuns: RUNS },
  )
  assert.ok(amounts > RUNS && lines > RUNS, 'histories that cost something')
})

test('prices that double make twice the total', async () => {
  const whole = (base: string, unit: string) => (plan: object) => ({
    ...plan,
    price: { base, per_unit: unit, included: 2 },
  })
  const [once, twice] = [catalogWith(whole('10', '0.10')), catalogWith(whole('20', '0.20'))]
  await fc.assert(
    fc.asyncProperty(histories, plansByNumber, async ({ steps }, planVersionNo) => {
      // Changes in the middle prorate the fee, whose half is rounded: those are left out.
      const whole = steps.filter(({ act }) => act.kind !== 'change')
      const { periods } = await compared(whole, planVersionNo, once, twice)
      for (const { now, otherwise } of periods) {
        assert.equal(otherwise.toFixed(2), now.mul(2).toFixed(2))
      }
    }),
    { numRuns: RUNS },
  )
})

test('a tighter quota denies calls that were allowed, and never the other way round', async () => {
  const quota = (limit: number) => (plan: object) => ({
    ...plan,
    rate_limits: [],
    credits: 'none',
    allowance: null,
    quota: { limit, overage: 'deny' },
  })
  const [wide, tight] = [catalogWith(quota(1_000)), catalogWith(quota(0))]
  let denied = 0
  await fc.assert(
    fc.asyncProperty(histories, plansByNumber, async ({ steps }, planVersionNo) => {
      const calls = steps.filter(({ act }) => act.kind === 'call')
      const { periods } = await compared(calls, planVersionNo, wide, tight)
      for (const { allowedToDenied, deniedToAllowed, now, otherwise } of periods) {
        denied += allowedToDenied
        assert.equal(deniedToAllowed, 0)
        assert.ok(otherwise.lte(now))
      }
    }),
    { numRuns: RUNS },
  )
  assert.ok(denied > RUNS)
})

test('a call in the millisecond of a change is rated by its plan, also where the other log has fewer lines', async () => {
  const only = { monthly: '0', open: '1' } as Record<string, string>
  const priced = (allowance: object | null) =>
    catalogWith((plan, name) => ({
      ...plan,
      credits: 'none',
      price: { per_unit: only[name] ?? '0' },
      ...(name === 'monthly' && { allowance }),
    }))
  const price = { credits: 0n, premium: false }
  const call = { kind: 'call', call: PLAIN_CALL, price, senderNo: null } as const
  const steps = [
    { waitMs: 1, act: call },
    { waitMs: 1, act: { kind: 'change', change: { planVersionNo: 1 } } as const },
    { waitMs: 0, act: call },
  ]
  const { periods } = await compared(steps, 2, priced({ credits: 10 }), priced(null))
  const [first] = periods
  assert.deepEqual([first!.now.toFixed(2), first!.otherwise.toFixed(2)], ['1.00', '1.00'])
})

test('a plan that the other catalog lacks keeps its terms, and is named', async () => {
  const { plans } = catalogWith()
  const { open, ...others } = plans
  const lacking = { ...catalogWith(), plans: others } as CatalogDefinition
  const { periods, keptPlans } = await compared([], 1, catalogWith(), lacking)
  assert.ok(open)
  assert.deepEqual(keptPlans, ['open'])
  for (const { now, otherwise } of periods) assert.equal(now.toFixed(2), otherwise.toFixed(2))
})

test('only periods that lie in the range with both ends are compared', async () => {
  const log = logOf([], 1, inForce(catalogWith()))
  const spans = timelineOf(await log.changes(), LATER)
  const [, second, third] = [...new Set(spans.map(({ period }) => period))]
  const between = async (from: number, to: number) => {
    const { periods } = await backtestLog({
      log,
      versions: [1],
      spans,
      termsOf: inForce(catalogWith()).planVersion,
      profile: { currency: null, minimumCommitment: null },
      other: compileCatalog(catalogWith(), new Map()),
      range: { from, to },
      throughSeq: 1,
    })
    return periods.map(({ start }) => start)
  }
  const [start, end] = [second!.start, third!.end]
  assert.deepEqual(await between(start, end), [second!.start, third!.start])
  assert.deepEqual(await between(start + 1, end), [third!.start])
  assert.deepEqual(await between(start, end - 1), [second!.start])
  assert.deepEqual(await between(start + 1, end - 1), [])
})

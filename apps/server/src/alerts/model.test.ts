import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { type AlertLine, alertLines, setAlerts, watchOn } from '../../test/alert-watch.ts'
import { catalogFile } from '../../test/api-catalog.ts'
import { testDatabase } from '../../test/database.ts'
import { expectStatus, handClock, nodeOn } from '../../test/node.ts'
import { sendCalls } from '../../test/usage-example.ts'
import { UsageFolder } from '../analytics/rollups/folder.ts'

const CATALOG = `
catalog: 1
plans:
  small: { quota: { limit: 20, overage: charge }, features: { alerts: true } }
`
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const BEGIN = Date.parse('2025-01-30T20:00:00Z')

const catalog = await catalogFile(CATALOG)
const database = await testDatabase()
const clock = handClock(BEGIN)
const node = await nodeOn(database, { catalogFile: catalog.path, clock })
after(async () => {
  await node.stop()
  await database.drop()
  await catalog.remove()
})
const service = await node.service('s')

const RULES = [
  { type: 'quota_threshold', threshold: 60 },
  { type: 'daily_limit', threshold: 6 },
  { type: 'error_rate', threshold: 40, window_minutes: 30 },
].map((rule) => ({ ...rule, notify_email: false }))

type Act =
  | { kind: 'calls'; good: number; failed: number }
  | { kind: 'void'; which: number }
  | { kind: 'wait'; ms: number }
  | { kind: 'fold' }

const acts: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('calls' as const),
      good: fc.nat(4),
      failed: fc.nat(3),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('void' as const), which: fc.nat() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 10 * MINUTE_MS, 30 * MINUTE_MS, 4 * HOUR_MS, DAY_MS, 31 * DAY_MS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fold' as const) }) },
)

/** A second opinion, that knows nothing but the calls there were. */
class Model {
  private readonly calls: { seq: number; at: number; failed: boolean; voided: boolean }[] = []
  private readonly told = new Map<string, string | number>()

  add(seq: number, failed: boolean): void {
    this.calls.push({ seq, at: clock.now(), failed, voided: false })
  }

  /** The number of a call that was not voided yet. */
  void(which: number): number | null {
    const open = this.calls.filter(({ voided }) => !voided)
    const call = open[which % Math.max(1, open.length)]
    if (call === undefined) return null
    call.voided = true
    return call.seq
  }

  /** What is told when somebody looks now. */
  look(periodStart: number): string[] {
    const now = clock.now()
    const live = this.calls.filter(({ voided }) => !voided)
    const used = live.filter(({ at, failed }) => !failed && at >= periodStart).length
    const dayOf = (at: number) => Math.floor(at / DAY_MS)
    const today = live.filter(({ at }) => dayOf(at) === dayOf(now)).length
    const recent = live.filter(({ at }) => at >= now - 30 * MINUTE_MS)
    const failed = recent.filter((call) => call.failed).length
    const raised: string[] = []
    if (today >= 6 && this.told.get('daily') !== dayOf(now)) {
      this.told.set('daily', dayOf(now))
      raised.push(`alert_daily_6 ${today}`)
    }
    const last = this.told.get('errors')
    const isRested = last === undefined || now - Number(last) >= 30 * MINUTE_MS
    if (failed > 0 && failed / recent.length >= 0.4 && isRested) {
      this.told.set('errors', now)
      raised.push(`alert_errors_40_30m ${Math.round((failed / recent.length) * 10_000) / 100}`)
    }
    if (used >= 12 && this.told.get('quota') !== periodStart) {
      this.told.set('quota', periodStart)
      raised.push(`alert_quota_60 ${(used / 20) * 100}`)
    }
    return raised
  }
}

async function sendTo(
  id: string,
  { good, failed }: { good: number; failed: number },
  model: Model,
): Promise<void> {
  const calls = [...Array(good).fill({}), ...Array(failed).fill({ status: 'failure' })]
  if (calls.length === 0) return
  await sendCalls(node, service.key, id, calls)
  const recorded = (await newestFirst(id)).filter(({ kind }) => kind === 'call')
  const sent = recorded.slice(0, calls.length).toReversed()
  for (const { seq, status } of sent) model.add(seq, status === 'failure')
}

async function newestFirst(
  id: string,
): Promise<{ seq: number; kind: string; status: string; event_id: string }[]> {
  const path = `/api/entries?tenant_id=${id}&limit=500`
  return expectStatus(await node.admin('GET', path), 200).body.data
}

test('whatever happens, what is told is what a second opinion says, and when', async () => {
  const folder = new UsageFolder(node.server.pool)
  let alerts = 0
  const history = fc.array(acts, { minLength: 10, maxLength: 40 })
  const holds = fc.asyncProperty(history, async (drawn) => {
    const { id } = await node.tenant({ plan: 'small' })
    await setAlerts(node, id, ...RULES)
    const watches = [watchOn(node), watchOn(node)]
    const model = new Model()
    let seen = 0
    for (const act of drawn) {
      if (act.kind === 'wait') clock.advance(act.ms)
      if (act.kind === 'fold') await folder.run()
      if (act.kind === 'calls') await sendTo(id, act, model)
      if (act.kind === 'void') {
        const seq = model.void(act.which)
        if (seq !== null) await voidLine(id, seq)
      }
      // A log that has not grown is not looked at: what time alone brings about is told with its next line.
      if (act.kind === 'wait' || act.kind === 'fold') continue
      await Promise.all(watches.map((watch) => watch.run()))
      // Also at the lines that were raised just now, so that nothing is due once time has passed.
      await watches[0]!.run()
      const lines = await alertLines(node, id)
      const summary = await node.admin('GET', `/api/admin/tenants/${id}/usage/summary`)
      const expected = model.look(Date.parse(summary.body.period.start))
      assert.deepEqual(lines.slice(seen).map(shown), expected)
      seen = lines.length
      alerts += expected.length
    }
  })
  await fc.assert(holds, { numRuns: 25 })
  assert.ok(alerts > 25, `only ${alerts} alerts were drawn`)
})

function shown({ detail: { alert_id, value } }: AlertLine): string {
  return `${alert_id} ${value}`
}

async function voidLine(id: string, seq: number): Promise<void> {
  const line = (await newestFirst(id)).find((entry) => entry.seq === seq)!
  const path = `/api/events/${line.event_id}/void`
  expectStatus(await node.admin('POST', path, { reason: 'test' }), 200)
}

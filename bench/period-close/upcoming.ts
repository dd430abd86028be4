import { setTimeout as sleep } from 'node:timers/promises'
import { askForBilling } from '../../apps/server/src/billing/tasks.ts'
import { Api } from '../api.ts'
import type { Latency } from '../load/plan.ts'
import { runLoad } from '../load.ts'
import type { Options } from '../options.ts'
import type { BenchPostgres } from '../postgres.ts'
import { median, milliseconds, progress, type Report, type Row, whole } from '../report.ts'
import type { Server, ServerSettings } from '../server.ts'
import { centsOf } from './audit.ts'
import { writeHistory } from '../logs/history.ts'
import { type Customer, openTenants, type Place } from '../logs/tenants.ts'

const PATH = '/api/billing/upcoming'
const TIMES_LARGER = 100
const BEGAN_DAYS_AGO = 5
const DAY_MS = 86_400_000
const POLL_MS = 100
const CONNECTIONS = 4
const READS_PER_SECOND = 40
const WARMUP_MS = 1_000
const SECONDS_PER_ROUND = 5
const RATIO_MAX = 1.2

type Reading = {
  place: Place
  postgres: BenchPostgres
  server: Server
  settings: ServerSettings
  options: Options
  events: number
}

/** Reading what a running period comes to must not cost more because there was more in it. */
export async function readUpcoming(
  reading: Reading,
): Promise<Pick<Report, 'rows' | 'notes' | 'broken'>> {
  const { place, postgres, options, events } = reading
  const from = Date.now() - BEGAN_DAYS_AGO * DAY_MS
  const wanted = ['short', 'long'].map((name) => ({ tenantId: `bench-${name}`, plan: 'pro' }))
  const [short, long] = (await openTenants(place, wanted, from)) as [Customer, Customer]
  progress(`writing ${whole(events)} events of one tenant's running period`)
  const sent = [
    { customer: short, calls: Math.ceil(events / TIMES_LARGER) },
    { customer: long, calls: events },
  ]
  await writeHistory(place, sent, { from: from + 1, to: Date.now() })
  const seconds = await folded(reading, long)
  await folded(reading, short)
  const latencies: [Latency[], Latency[]] = [[], []]
  for (let round = 1; round <= options.rounds; round += 1) {
    await postgres.settle()
    latencies[0].push(await read(reading, short))
    latencies[1].push(await read(reading, long))
  }
  return {
    rows: rowsOf(latencies, [short, long]),
    notes: [
      `${whole(long.allowed)} entries of one tenant were folded in ${seconds.toFixed(1)} s before it was read`,
    ],
    broken: [...(await misrated(reading, short)), ...(await misrated(reading, long))],
  }
}

/** Waits until nothing of the tenant's log is left to fold. @returns how long that took, s */
async function folded({ place }: Reading, { account }: Customer): Promise<number> {
  progress('waiting until it is folded')
  const began = performance.now()
  await askForBilling(place.pool)
  for (;;) {
    const { rows } = await place.pool.query<{ folded_seq: bigint }>(
      'SELECT folded_seq FROM billing_position WHERE tenant_no = $1',
      [account.tenantNo],
    )
    if (Number(rows[0]?.folded_seq ?? 0) === account.lastSeq) break
    await sleep(POLL_MS)
  }
  return (performance.now() - began) / 1_000
}

async function read({ server, settings, options }: Reading, { tenantId }: Customer) {
  const authorization = `Bearer ${settings.operatorKey}`
  const { latency } = await runLoad({
    host: server.host,
    port: server.port,
    connections: CONNECTIONS,
    requests: {
      kind: 'read',
      path: `${PATH}?tenant_id=${tenantId}`,
      tenants: [{ id: tenantId, authorization }],
    },
    pace: {
      kind: 'open',
      requestsPerSecond: READS_PER_SECOND,
      warmupMs: WARMUP_MS,
      measureMs: (options.seconds ?? SECONDS_PER_ROUND) * 1_000,
    },
  })
  progress(`${tenantId}: p99 ${milliseconds(latency.p99Ms)}`)
  return latency
}

function rowsOf([short, long]: [Latency[], Latency[]], customers: [Customer, Customer]): Row[] {
  const [few, many] = customers.map(({ account }) => whole(account.lastSeq))
  const row = (name: string, of: (latency: Latency) => number): Row => {
    const [value, reference] = [median(long.map(of)), median(short.map(of))]
    const ratio = value / reference
    return {
      figure: `upcoming, ${name}, ${many} against ${few} entries`,
      value: milliseconds(value),
      reference: milliseconds(reference),
      ratio,
    }
  }
  const p50 = row('p50', ({ p50Ms }) => p50Ms)
  const verdict = { bar: `≤ ${RATIO_MAX} ×`, passes: p50.ratio! <= RATIO_MAX }
  return [{ ...p50, ...verdict }, row('p99', ({ p99Ms }) => p99Ms)]
}

async function misrated({ server, settings }: Reading, customer: Customer): Promise<string[]> {
  const api = new Api(server, settings.operatorKey)
  const { total } = await api.get<{ total: string }>(`${PATH}?tenant_id=${customer.tenantId}`)
  const should = (centsOf(customer) / 100).toFixed(2)
  if (total === should) return []
  return [`${customer.tenantId} would be asked ${total} for calls of ${should}`]
}

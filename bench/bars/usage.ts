import type pg from 'pg'
import { Api } from '../api.ts'
import { LatencyLog } from '../load/latency.ts'
import type { Latency } from '../load/plan.ts'
import { runLoad } from '../load.ts'
import { conversion } from '../logs/conversions.ts'
import { writeHistory } from '../logs/history.ts'
import { openPlace } from '../logs/open-place.ts'
import { type Customer, openTenants } from '../logs/tenants.ts'
import type { Options } from '../options.ts'
import { type BenchPostgres, benchPostgres } from '../postgres.ts'
import { median, milliseconds, progress, type Report, type Row, whole } from '../report.ts'
import { type Subject, startSubject, trackRequests } from '../subject.ts'
import { untilFolded } from '../until-folded.ts'
import type { Workspace } from '../workspace.ts'

const EVENTS_DEFAULT = 10_000_000
const TIMES_LARGER = 100
const DAYS = 31
const DAY_MS = 86_400_000
const P99_MS_MAX = 10
const RATIO_MAX = 1.2
const READ_CONNECTIONS = 8
const READS_PER_SECOND = 100
/** So that no answer can come from a cache, and each is of a log with a tail. */
const WRITES_PER_SECOND = 50
const WARMUP_MS = 2_000
const SECONDS_PER_ROUND = 8
/**
 * How often a bar's reading is taken in a round, of both histories in turn. The p99 of eight seconds is the
 * eighth worst of 800 readings, which one hiccup of the machine decides: the median needs many of them.
 */
const TURNS_PER_ROUND = 3

/** So many ranges that nobody asked for before, one after the other. */
const FIRST_READS = 100

type Reading = { name: string; query: string; isBar: boolean }

/** A tenant with so many events in 31 days, and how its readings were answered. */
type History = { customer: Customer; reads: Map<string, Latency[]>; sent: number }

/** What a tenant reads of its usage must not cost more because it has a longer history. */
export async function usage(workspace: Workspace, options: Options): Promise<Report> {
  const postgres = await benchPostgres(workspace, options)
  const databaseUrl = await postgres.createDatabase('subject')
  const to = Math.floor(Date.now() / 60_000) * 60_000
  const from = to - (DAYS - 1) * DAY_MS
  const place = await openPlace(workspace, databaseUrl, from)
  const large = options.events ?? EVENTS_DEFAULT
  const wanted = ['short', 'large'].map((name) => ({
    tenantId: `bench-${name}`,
    plan: 'enterprise',
  }))
  const [short, long] = (await openTenants(place, wanted, from)) as [Customer, Customer]
  progress(`writing ${whole(large)} events of ${DAYS} days`)
  const sent = [
    { customer: short, calls: Math.ceil(large / TIMES_LARGER) },
    { customer: long, calls: large },
  ]
  await writeHistory(place, sent, { from: from + 1, to }, conversion)
  await place.pool.query('VACUUM ANALYZE')
  const subject = await startSubject(
    workspace,
    { ...options, tenants: 0, shape: 'full' },
    databaseUrl,
  )
  const seconds = await folded(place.pool)
  const histories = [short, long].map(
    (customer): History => ({ customer, reads: new Map(), sent: customer.allowed }),
  ) as [History, History]
  const readings = readingsOf(from, to)
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const reading of readings) {
      for (let turn = 1; turn <= (reading.isBar ? TURNS_PER_ROUND : 1); turn += 1) {
        // Neither of them is always the first after what was read before.
        const inTurn = (round + turn) % 2 === 0 ? histories : histories.toReversed()
        for (const history of inTurn) await read({ postgres, subject, options }, history, reading)
      }
    }
  }
  const first = await firstReads(subject, long.tenantId, from)
  return {
    title: `usage: readings of ${DAYS} days with ${whole(long.allowed)} and with ${whole(short.allowed)} events`,
    conditions: [
      `${READS_PER_SECOND} reads/s while the tenant is written ${WRITES_PER_SECOND} times/s; median of ${options.rounds * TURNS_PER_ROUND} turns, of ${options.rounds} for what has no bar`,
      postgres.description,
    ],
    rows: [
      ...readings.flatMap((reading) => rowsOf(reading, histories)),
      { figure: 'history, for the first time, p50', value: milliseconds(first.p50Ms) },
      { figure: 'history, for the first time, p99', value: milliseconds(first.p99Ms) },
    ],
    notes: [
      'latencies count from when a read was due',
      `${whole((long.account.lastSeq + short.account.lastSeq) / seconds)} lines/s were folded by a node that was just started`,
    ],
    broken: (await Promise.all(histories.map((one) => miscounted(subject, one, from)))).flat(),
  }
}

function readingsOf(from: number, to: number): Reading[] {
  const range = rangeOf(from, to)
  return [
    { name: 'summary', query: '', isBar: true },
    { name: 'history', query: `?granularity=daily&${range}`, isBar: true },
    { name: 'breakdown', query: `?${range}`, isBar: true },
    { name: 'performance', query: `?${range}`, isBar: false },
    { name: 'history', query: `?granularity=hourly&${range}`, isBar: false },
  ]
}

function rangeOf(from: number, to: number): string {
  const [first, last] = [from, to].map((at) => new Date(at).toISOString().slice(0, 10))
  return `start_date=${first}&end_date=${last}`
}

/**
 * Waits until the node has folded what was written before it started, but for short tails, and billing as
 * well, which would otherwise go on beside the readings. @returns seconds until the first of them was done
 */
async function folded(pool: pg.Pool): Promise<number> {
  progress('waiting until it is folded')
  const began = performance.now()
  await untilFolded(pool, 'usage_position')
  const seconds = (performance.now() - began) / 1_000
  progress('waiting until it is rated')
  await untilFolded(pool, 'billing_position')
  return seconds
}

async function read(
  { postgres, subject, options }: { postgres: BenchPostgres; subject: Subject; options: Options },
  history: History,
  { name, query }: Reading,
): Promise<void> {
  await postgres.settle()
  const { host, port } = subject.server
  const id = history.customer.tenantId
  const path = `/api/admin/tenants/${id}/usage/${name}${query}`
  const authorization = `Bearer ${subject.settings.operatorKey}`
  const measureMs = (options.seconds ?? SECONDS_PER_ROUND) * 1_000
  const [reads, writes] = await Promise.all([
    runLoad({
      host,
      port,
      connections: READ_CONNECTIONS,
      requests: { kind: 'read', path, tenants: [{ id, authorization }] },
      pace: { kind: 'open', requestsPerSecond: READS_PER_SECOND, warmupMs: WARMUP_MS, measureMs },
    }),
    runLoad({
      host,
      port,
      connections: 1,
      requests: trackRequests(subject, [{ id, key: '' }], { ...options, shape: 'full' }, 1),
      pace: { kind: 'open', requestsPerSecond: WRITES_PER_SECOND, warmupMs: WARMUP_MS, measureMs },
    }),
  ])
  history.sent += writes.total.allowed
  const key = name + query
  history.reads.set(key, [...(history.reads.get(key) ?? []), reads.latency])
  progress(
    `${id}, ${name}: p50 ${milliseconds(reads.latency.p50Ms)}, p99 ${milliseconds(reads.latency.p99Ms)}`,
  )
}

/** Ranges of 20 days and more, each of which is read once, so that nothing of it is remembered. */
async function firstReads(subject: Subject, id: string, from: number): Promise<Latency> {
  const api = new Api(subject.server, subject.settings.operatorKey)
  const log = new LatencyLog()
  for (let index = 0; index < FIRST_READS; index += 1) {
    const [first, days] = [index % 10, 20 + Math.floor(index / 10)]
    const range = rangeOf(from + first * DAY_MS, from + (first + days) * DAY_MS)
    const began = performance.now()
    await api.get(`/api/admin/tenants/${id}/usage/history?granularity=daily&${range}`)
    log.add(performance.now() - began)
  }
  return log.summary()
}

function rowsOf({ name, query, isBar }: Reading, [short, long]: [History, History]): Row[] {
  const of = (history: History, part: 'p50Ms' | 'p99Ms') =>
    median(history.reads.get(name + query)!.map((latency) => latency[part]))
  const label = query.includes('hourly') ? `${name} by hour` : name
  const p99 = of(long, 'p99Ms')
  const [p50, reference] = [of(long, 'p50Ms'), of(short, 'p50Ms')]
  const ratio = p99 / of(short, 'p99Ms')
  return [
    {
      figure: `${label}, p99`,
      value: milliseconds(p99),
      ...(isBar ? { bar: `≤ ${P99_MS_MAX} ms`, passes: p99 <= P99_MS_MAX } : {}),
    },
    {
      figure: `${label}, p99, long against short history`,
      value: milliseconds(p99),
      reference: milliseconds(of(short, 'p99Ms')),
      ratio,
      ...(isBar ? { bar: `≤ ${RATIO_MAX} ×`, passes: ratio <= RATIO_MAX } : {}),
    },
    {
      figure: `${label}, p50, long against short history`,
      value: milliseconds(p50),
      reference: milliseconds(reference),
      ratio: p50 / reference,
    },
  ]
}

/** Every event that was acknowledged is in the statistics once. */
async function miscounted(
  subject: Subject,
  { customer, sent }: History,
  from: number,
): Promise<string[]> {
  const api = new Api(subject.server, subject.settings.operatorKey)
  const id = customer.tenantId
  // It may have become tomorrow meanwhile.
  const query = `?granularity=daily&${rangeOf(from, Date.now())}`
  const { totals } = await api.get<{ totals: { conversions: number } }>(
    `/api/admin/tenants/${id}/usage/history${query}`,
  )
  if (totals.conversions === sent) return []
  return [`${sent} events of ${id} were acknowledged, its history says ${totals.conversions}`]
}

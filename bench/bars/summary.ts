import { Api } from '../api.ts'
import type { Latency } from '../load/plan.ts'
import { runLoad } from '../load.ts'
import type { Options } from '../options.ts'
import { benchPostgres } from '../postgres.ts'
import { median, milliseconds, progress, type Report, type Row, whole } from '../report.ts'
import { type BenchTenant, type Subject, startSubject, trackRequests } from '../subject.ts'
import type { Workspace } from '../workspace.ts'

const PATH = '/api/usage/summary'
const EVENTS_DEFAULT = 10_000_000
const TIMES_LARGER = 100
const EVENTS_PER_REQUEST = 1_000
const LOAD_CONNECTIONS = 8
const P99_MS_MAX = 10
const RATIO_MAX = 1.2
const READ_CONNECTIONS = 8
const READS_PER_SECOND = 500
/** So that no answer can come from a cache: the tenant that is read keeps being written. */
const WRITES_PER_SECOND = 50
const WARMUP_MS = 2_000
const SECONDS_PER_ROUND = 8

type Summary = { usage: { conversions: { used: number } } }

/** A tenant with a history of so many events, and how its summary was read. */
type History = { tenant: BenchTenant; sent: number; reads: Latency[] }

/** Reading a tenant's summary must not cost more because the tenant has a longer history. */
export async function summary(workspace: Workspace, options: Options): Promise<Report> {
  const postgres = await benchPostgres(workspace, options)
  const settings: Options = { ...options, tenants: 2, shape: 'full' }
  const subject = await startSubject(workspace, settings, await postgres.createDatabase('subject'))
  const large = options.events ?? EVENTS_DEFAULT
  const short = await loaded(subject, settings, subject.tenants[0]!, large / TIMES_LARGER)
  const long = await loaded(subject, settings, subject.tenants[1]!, large)
  const title = `summary: GET ${PATH} at ${whole(short.sent)} and at ${whole(long.sent)} events`
  for (let round = 1; round <= options.rounds; round++) {
    for (const history of [short, long]) {
      await postgres.settle()
      await read(subject, settings, history)
    }
  }
  return {
    title,
    conditions: [
      `${READS_PER_SECOND} reads/s while the tenant is written ${WRITES_PER_SECOND} times/s; median of ${options.rounds} rounds`,
      postgres.description,
    ],
    rows: rowsOf(short, long),
    notes: ['latencies count from when a read was due'],
    broken: [...(await miscounted(subject, short)), ...(await miscounted(subject, long))],
  }
}

async function loaded(
  subject: Subject,
  options: Options,
  tenant: BenchTenant,
  events: number,
): Promise<History> {
  progress(`sending ${whole(events)} events of one tenant`)
  const result = await runLoad({
    host: subject.server.host,
    port: subject.server.port,
    connections: LOAD_CONNECTIONS,
    requests: trackRequests(subject, [tenant], options, EVENTS_PER_REQUEST),
    pace: { kind: 'count', requests: Math.ceil(events / EVENTS_PER_REQUEST) },
  })
  progress(`${whole(result.eventsPerSecond)} events/s`)
  return { tenant, sent: result.total.allowed, reads: [] }
}

async function read(subject: Subject, options: Options, history: History): Promise<void> {
  const { host, port } = subject.server
  const { id, key } = history.tenant
  const measureMs = (options.seconds ?? SECONDS_PER_ROUND) * 1_000
  const [reads, writes] = await Promise.all([
    runLoad({
      host,
      port,
      connections: READ_CONNECTIONS,
      requests: { kind: 'read', path: PATH, tenants: [{ id, authorization: `Bearer ${key}` }] },
      pace: { kind: 'open', requestsPerSecond: READS_PER_SECOND, warmupMs: WARMUP_MS, measureMs },
    }),
    runLoad({
      host,
      port,
      connections: 1,
      requests: trackRequests(subject, [history.tenant], options, 1),
      pace: { kind: 'open', requestsPerSecond: WRITES_PER_SECOND, warmupMs: WARMUP_MS, measureMs },
    }),
  ])
  history.sent += writes.total.allowed
  history.reads.push(reads.latency)
  progress(`p99 ${milliseconds(reads.latency.p99Ms)}`)
}

function rowsOf(short: History, long: History): Row[] {
  const p99 = median(long.reads.map((one) => one.p99Ms))
  const p99Short = median(short.reads.map((one) => one.p99Ms))
  const p50 = median(long.reads.map((one) => one.p50Ms))
  const p50Short = median(short.reads.map((one) => one.p50Ms))
  return [
    {
      figure: 'p99',
      value: milliseconds(p99),
      bar: `≤ ${P99_MS_MAX} ms`,
      passes: p99 <= P99_MS_MAX,
    },
    {
      figure: 'p99, long against short history',
      value: milliseconds(p99),
      reference: milliseconds(p99Short),
      ratio: p99 / p99Short,
      bar: `≤ ${RATIO_MAX} ×`,
      passes: p99 / p99Short <= RATIO_MAX,
    },
    {
      figure: 'p50, long against short history',
      value: milliseconds(p50),
      reference: milliseconds(p50Short),
      ratio: p50 / p50Short,
    },
  ]
}

async function miscounted(subject: Subject, history: History): Promise<string[]> {
  const api = new Api(subject.server, history.tenant.key)
  const { used } = (await api.get<Summary>(PATH)).usage.conversions
  const { id } = history.tenant
  if (used === history.sent) return []
  return [`${history.sent} events of ${id} were acknowledged, its summary says ${used}`]
}

import { execFileSync } from 'node:child_process'
import { get, type IncomingMessage } from 'node:http'
import pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { cpuSeconds } from '../cpu.ts'
import { CannotMeasure } from '../failure.ts'
import { runLoad } from '../load.ts'
import type { Options } from '../options.ts'
import { type BenchPostgres, benchPostgres } from '../postgres.ts'
import { median, progress, type Report, whole } from '../report.ts'
import { type Subject, startSubject, trackRequests } from '../subject.ts'
import { untilFolded } from '../until-folded.ts'
import type { Workspace } from '../workspace.ts'

const EVENTS_DEFAULT = 1_000_000
const EVENTS_PER_REQUEST = 1_000
const CONNECTIONS = 8
const EVENTS_PER_SECOND_MIN = 200_000
const GROWTH_MAX = 1.1
const SAMPLE_MS = 100
const PATH = '/api/usage/export?level=events&format=csv&period=last_7_days'
const LINE_FEED = 0x0a

/** What an export shows of a call, as it stands in the log. */
const COLUMNS = `seq, recorded_at, occurred_at, kind, service, endpoint, method, failed, error_code,
  reason, counted, overage, quantity, credits, remaining, used, region, feature, file_type,
  output_format, file_size_bytes, processing_time_ms, token_count, sender_no, properties`

type Cpu = { server: number; postgres: number }
type Round = { rate: number; rows: number; residentMb: number[]; cpu: Cpu | null }

/** Every event of a tenant as CSV, against PostgreSQL's own copy of the same columns to the same process. */
export async function exportEvents(workspace: Workspace, options: Options): Promise<Report> {
  const postgres = await benchPostgres(workspace, options)
  const settings: Options = { ...options, tenants: 1, shape: 'full' }
  const databaseUrl = await postgres.createDatabase('subject')
  const subject = await startSubject(workspace, settings, databaseUrl)
  const events = await loaded(subject, settings)
  await folded(databaseUrl)
  const copies: number[] = []
  const exports: Round[] = []
  for (let round = 1; round <= options.rounds; round++) {
    copies.push(await copied(postgres, databaseUrl, events))
    exports.push(await exported(postgres, subject))
  }
  return report(events, copies, exports, postgres.description)
}

async function loaded(subject: Subject, options: Options): Promise<number> {
  const events = options.events ?? EVENTS_DEFAULT
  progress(`sending ${whole(events)} full events of one tenant`)
  const result = await runLoad({
    host: subject.server.host,
    port: subject.server.port,
    connections: CONNECTIONS,
    requests: trackRequests(subject, subject.tenants, options, EVENTS_PER_REQUEST),
    pace: { kind: 'count', requests: Math.ceil(events / EVENTS_PER_REQUEST) },
  })
  return result.total.events
}

/** Statistics and bills of what was sent are made meanwhile, and would be measured as well. */
async function folded(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    progress('waiting until it is folded')
    await untilFolded(client, 'usage_position')
    progress('waiting until it is rated')
    await untilFolded(client, 'billing_position')
  } finally {
    await client.end()
  }
}

/** @returns rows per second */
async function copied(postgres: BenchPostgres, url: string, events: number): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('VACUUM (ANALYZE) entry')
    await postgres.settle()
    const began = performance.now()
    const text = `COPY (SELECT ${COLUMNS} FROM entry WHERE kind IN (3, 4) ORDER BY tenant_no, seq)
      TO STDOUT (FORMAT csv)`
    const stream = client.query(copyTo(text))
    for await (const _ of stream);
    const rate = (events / (performance.now() - began)) * 1_000
    progress(`COPY: ${whole(rate)}/s`)
    return rate
  } finally {
    await client.end()
  }
}

async function exported(postgres: BenchPostgres, subject: Subject): Promise<Round> {
  await postgres.settle()
  const residentMb = [resident(subject.server.pid)]
  const before = used(postgres, subject)
  const sampling = setInterval(() => residentMb.push(resident(subject.server.pid)), SAMPLE_MS)
  try {
    const began = performance.now()
    const reply = await opened(subject)
    let lines = 0
    for await (const chunk of reply) lines += linesIn(chunk)
    const seconds = (performance.now() - began) / 1_000
    residentMb.push(resident(subject.server.pid))
    const rows = lines - 1
    progress(`export: ${whole(rows / seconds)}/s`)
    return {
      rate: rows / seconds,
      rows,
      residentMb,
      cpu: perRow(before, used(postgres, subject), rows),
    }
  } finally {
    clearInterval(sampling)
  }
}

function used(postgres: BenchPostgres, { server }: Subject): Cpu | null {
  const own = cpuSeconds(server.pid, false)
  const database = postgres.pid === null ? null : cpuSeconds(postgres.pid, true)
  return own === null || database === null ? null : { server: own, postgres: database }
}

/** In microseconds. */
function perRow(before: Cpu | null, after: Cpu | null, rows: number): Cpu | null {
  if (before === null || after === null) return null
  const of = (part: keyof Cpu) => ((after[part] - before[part]) * 1_000_000) / rows
  return { server: of('server'), postgres: of('postgres') }
}

function opened({ server, tenants }: Subject): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { host, port } = server
    const headers = { authorization: `Bearer ${tenants[0]!.key}` }
    get({ host, port, path: PATH, headers, agent: false }, (reply) => {
      if (reply.statusCode === 200) resolve(reply)
      else reject(new CannotMeasure(`The export was answered with ${reply.statusCode}.`))
    }).on('error', reject)
  })
}

function linesIn(chunk: Buffer): number {
  let lines = 0
  for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, at + 1)) lines += 1
  return lines
}

function resident(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024
}

function report(events: number, copies: number[], exports: Round[], database: string): Report {
  const rate = median(exports.map((round) => round.rate))
  const copy = median(copies)
  // The first one still compiles.
  const last = exports.at(-1)!.residentMb
  const [start, middle, end] = [0, last.length >> 1, last.length - 1].map((at) => last[at]!)
  const shown = [start, middle, end].map((mb) => whole(mb!)).join(', ')
  const short = exports.filter(({ rows }) => rows !== events)
  return {
    title: `export: ${whole(events)} events of one tenant as CSV, one reader`,
    conditions: [`median of ${exports.length} rounds`, database],
    rows: [
      {
        figure: 'events/s',
        value: whole(rate),
        reference: whole(copy),
        ratio: rate / copy,
        bar: `≥ ${whole(EVENTS_PER_SECOND_MIN)}`,
        passes: rate >= EVENTS_PER_SECOND_MIN,
      },
      {
        figure: 'resident at the end against the middle',
        value: `${whole(end!)} MB`,
        reference: `${whole(middle!)} MB`,
        ratio: end! / middle!,
        bar: `≤ ${GROWTH_MAX} ×`,
        passes: end! / middle! <= GROWTH_MAX,
      },
    ],
    notes: [
      'reference: COPY (SELECT the same columns, as they are stored) TO STDOUT, by a client that reads it',
      ...cpuLine(exports),
      `resident at start, middle, end of the last round: ${shown} MB`,
    ],
    broken: short.map(
      ({ rows }) => `${whole(events)} events were acknowledged, ${whole(rows)} exported`,
    ),
  }
}

function cpuLine(exports: Round[]): string[] {
  const cpus = exports.flatMap(({ cpu }) => cpu ?? [])
  if (cpus.length === 0) return []
  const of = (part: keyof Cpu) => median(cpus.map((cpu) => cpu[part])).toFixed(1)
  return [`processor time per event: server ${of('server')} µs, PostgreSQL ${of('postgres')} µs`]
}

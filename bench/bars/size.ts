import { diskUse, growthPerEvent } from '../disk.ts'
import type { EventShape } from '../load/plan.ts'
import { runLoad } from '../load.ts'
import type { Options } from '../options.ts'
import { type BenchPostgres, benchPostgres } from '../postgres.ts'
import { progress, type Report, type Row, whole } from '../report.ts'
import { type Subject, startSubject, trackRequests } from '../subject.ts'
import type { Workspace } from '../workspace.ts'

export const BYTES_PER_EVENT_MAX = 250
const EVENTS_DEFAULT = 300_000
const EVENTS_PER_REQUEST = 1_000
const CONNECTIONS = 8

/** What an event takes on disk, tables and indexes, for small and for full events. */
export async function size(workspace: Workspace, options: Options): Promise<Report> {
  const postgres = await benchPostgres(workspace, options)
  const databaseUrl = await postgres.createDatabase('subject')
  const subject = await startSubject(workspace, options, databaseUrl)
  const events = options.events ?? EVENTS_DEFAULT
  const measure = { postgres, databaseUrl, subject, options, events }
  const small = await grow({ ...measure, shape: 'small' })
  const full = await grow({ ...measure, shape: 'full' })
  return {
    title: `size: bytes on disk per event, tables and indexes, ${whole(events)} events`,
    conditions: [
      `over ${options.tenants} tenants, plan ${options.plan}, in batches of ${whole(EVENTS_PER_REQUEST)}`,
      postgres.description,
    ],
    rows: [
      { ...rowOf('small event', small.bytes), ...verdict(small.bytes) },
      rowOf('full event (all fields for statistics)', full.bytes),
    ],
    notes: [`small: ${small.details}`, `full: ${full.details}`],
    broken: [],
  }
}

async function grow(measure: {
  postgres: BenchPostgres
  databaseUrl: string
  subject: Subject
  options: Options
  events: number
  shape: EventShape
}) {
  const { databaseUrl, subject, options, shape } = measure
  const before = await diskUse(databaseUrl)
  progress(`sending ${whole(measure.events)} ${shape} events`)
  const requests = trackRequests(
    subject,
    subject.tenants,
    { ...options, shape },
    EVENTS_PER_REQUEST,
  )
  const result = await runLoad({
    host: subject.server.host,
    port: subject.server.port,
    connections: options.connections ?? CONNECTIONS,
    requests,
    pace: { kind: 'count', requests: Math.ceil(measure.events / EVENTS_PER_REQUEST) },
  })
  await measure.postgres.settle()
  return growthPerEvent(before, await diskUse(databaseUrl), result.total.events)
}

function rowOf(figure: string, bytes: number): Row {
  return { figure: `bytes, ${figure}`, value: bytes.toFixed(0) }
}

function verdict(bytes: number): Pick<Row, 'bar' | 'passes'> {
  return { bar: `≤ ${BYTES_PER_EVENT_MAX}`, passes: bytes <= BYTES_PER_EVENT_MAX }
}

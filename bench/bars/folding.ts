import { UsageFolder } from '../../apps/server/src/analytics/rollups/folder.ts'
import { conversion } from '../logs/conversions.ts'
import { writeHistory } from '../logs/history.ts'
import { openPlace } from '../logs/open-place.ts'
import { openTenants, type Place } from '../logs/tenants.ts'
import type { Options } from '../options.ts'
import { benchPostgres } from '../postgres.ts'
import { median, progress, type Report, type Row, whole } from '../report.ts'
import { startSubject, trackRequests } from '../subject.ts'
import type { Workspace } from '../workspace.ts'
import { closedLoop, SECONDS_DEFAULT } from './measure.ts'

const EVENTS_DEFAULT = 1_000_000
const HOUR_MS = 3_600_000
/** One tenant's month, and what many tenants send while a million events come in at the highest rate. */
const LOGS = [
  { tenants: () => 1, hours: 31 * 24, told: 'of 31 days' },
  { tenants: (options: Options) => options.tenants, hours: 0.5, told: 'of half an hour' },
] as const
const EVENTS_PER_REQUEST = 1_000
const CONNECTIONS = 8
const RATIO_MIN = 3

/** How fast logs become rollups, against the highest rate at which they grow. */
export async function folding(workspace: Workspace, options: Options): Promise<Report> {
  const postgres = await benchPostgres(workspace, options)
  const events = options.events ?? EVENTS_DEFAULT
  const ingestUrl = await postgres.createDatabase('ingest')
  const subject = await startSubject(workspace, { ...options, shape: 'full' }, ingestUrl)
  const requests = trackRequests(
    subject,
    subject.tenants,
    { ...options, shape: 'full' },
    EVENTS_PER_REQUEST,
  )
  const load = { requests, connections: CONNECTIONS, seconds: options.seconds ?? SECONDS_DEFAULT }
  const ingested: number[] = []
  for (let round = 1; round <= options.rounds; round += 1) {
    ingested.push((await closedLoop('ingest', postgres, subject.server, load)).eventsPerSecond)
  }
  await subject.server.stop()
  const reference = median(ingested)
  const rows: Row[] = []
  for (const { hours, told, ...log } of LOGS) {
    const tenants = log.tenants(options)
    const url = await postgres.createDatabase(`folding_${tenants}`)
    const place = await filled(workspace, url, { tenants, events, hours })
    await postgres.settle()
    const rate = await foldedPerSecond(place, events)
    const passes = rate / reference >= RATIO_MIN
    rows.push({
      figure: `lines ${told} folded/s, ${whole(tenants)} tenant${tenants === 1 ? '' : 's'}, against ingest`,
      value: whole(rate),
      reference: whole(reference),
      ratio: rate / reference,
      bar: `≥ ${RATIO_MIN} ×`,
      passes,
    })
  }
  return {
    title: `folding: ${whole(events)} lines made into rollups`,
    conditions: [
      `ingest: batches of ${EVENTS_PER_REQUEST} events with all fields, ${options.tenants} tenants, median of ${options.rounds} rounds`,
      postgres.description,
    ],
    rows,
    notes: ['nothing else runs while lines are folded'],
    broken: [],
  }
}

async function filled(
  workspace: Workspace,
  url: string,
  { tenants, events, hours }: { tenants: number; events: number; hours: number },
): Promise<Place> {
  const to = Date.now()
  const from = to - hours * HOUR_MS
  const place = await openPlace(workspace, url, from)
  const wanted = Array.from({ length: tenants }, (_, index) => {
    return { tenantId: `bench-${String(index).padStart(6, '0')}`, plan: 'enterprise' }
  })
  const customers = await openTenants(place, wanted, from)
  progress(`writing ${whole(events)} events of ${whole(tenants)} tenants`)
  const calls = Math.ceil(events / tenants)
  await writeHistory(
    place,
    customers.map((customer) => ({ customer, calls })),
    { from: from + 1, to },
    conversion,
  )
  await place.pool.query('VACUUM ANALYZE')
  return place
}

async function foldedPerSecond({ pool }: Place, events: number): Promise<number> {
  progress('folding')
  const began = performance.now()
  await new UsageFolder(pool).run()
  return events / ((performance.now() - began) / 1_000)
}

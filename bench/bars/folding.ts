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
const DAYS = 31
const DAY_MS = 86_400_000
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
  for (const tenants of [1, options.tenants]) {
    const url = await postgres.createDatabase(`folding_${tenants}`)
    const place = await filled(workspace, url, tenants, events)
    await postgres.settle()
    const rate = await foldedPerSecond(place, events)
    const passes = rate / reference >= RATIO_MIN
    rows.push({
      figure: `lines folded/s, ${whole(tenants)} tenant${tenants === 1 ? '' : 's'}, against ingest`,
      value: whole(rate),
      reference: whole(reference),
      ratio: rate / reference,
      bar: `≥ ${RATIO_MIN} ×`,
      passes,
    })
  }
  return {
    title: `folding: ${whole(events)} lines of ${DAYS} days, made into rollups from the first`,
    conditions: [
      `ingest: batches of ${EVENTS_PER_REQUEST} events with all fields, ${options.tenants} tenants, median of ${options.rounds} rounds`,
      postgres.description,
    ],
    rows,
    notes: ['folding is one statement on one connection; nothing else runs meanwhile'],
    broken: [],
  }
}

async function filled(
  workspace: Workspace,
  url: string,
  tenants: number,
  events: number,
): Promise<Place> {
  const to = Date.now()
  const from = to - DAYS * DAY_MS
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

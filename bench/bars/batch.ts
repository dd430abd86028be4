import { diskUse, growthPerEvent } from '../disk.ts'
import type { Options } from '../options.ts'
import { benchPostgres } from '../postgres.ts'
import { startCopier } from '../references.ts'
import { median, progress, type Report, whole } from '../report.ts'
import { startSubject, trackRequests, usedTogether } from '../subject.ts'
import type { Workspace } from '../workspace.ts'
import {
  closedLoop,
  conservation,
  cpuLine,
  loadShare,
  type Measured,
  SECONDS_DEFAULT,
} from './measure.ts'
import { BYTES_PER_EVENT_MAX } from './size.ts'

const EVENTS_PER_REQUEST = 1_000
const CONNECTIONS = 8
const RATIO_TO_COPY_MIN = 0.5
const EVENTS_PER_SECOND_MIN = 60_000
/** Enough for a second or two of COPY: its speed needs no longer to be known. */
const ROWS_COPIED = 200_000

/** Batches over HTTP, against COPY of the rows straight into a table with the same unique key. */
export async function batch(workspace: Workspace, options: Options): Promise<Report> {
  const postgres = await benchPostgres(workspace, options)
  const subjectUrl = await postgres.createDatabase('subject')
  const subject = await startSubject(workspace, options, subjectUrl)
  const copies = await copyRates(workspace, await postgres.createDatabase('reference'), options)
  const load = {
    requests: trackRequests(subject, subject.tenants, options, EVENTS_PER_REQUEST),
    connections: options.connections ?? CONNECTIONS,
    seconds: options.seconds ?? SECONDS_DEFAULT,
  }
  const before = await diskUse(subjectUrl)
  const results: Measured[] = []
  const inChunks: number[] = []
  const inOneGo: number[] = []
  for (let round = 1; round <= options.rounds; round++) {
    await postgres.settle()
    inChunks.push(await copies('in_chunks', EVENTS_PER_REQUEST))
    await postgres.settle()
    inOneGo.push(await copies('in_one_go', ROWS_COPIED))
    results.push(await closedLoop('Tollgate', postgres, subject.server, load))
  }
  const used = await usedTogether(subject)
  const growth = growthPerEvent(before, await diskUse(subjectUrl), used)
  const rate = median(results.map((result) => result.eventsPerSecond))
  return {
    title: `batch: requests of ${whole(EVENTS_PER_REQUEST)} events, ${load.connections} connections`,
    conditions: [
      `plan ${options.plan}, ${options.keys} key, ${options.shape} events, ${load.requests.spread === 'mixed' ? `each batch over ${options.tenants} tenants` : 'each batch of one tenant'}; median of ${options.rounds} rounds of ${load.seconds} s`,
      postgres.description,
    ],
    rows: [
      versus('against COPY, commit every 1,000', rate, median(inChunks), RATIO_TO_COPY_MIN),
      versus('against COPY, one commit', rate, median(inOneGo)),
      {
        figure: 'events/s',
        value: whole(rate),
        bar: `≥ ${whole(EVENTS_PER_SECOND_MIN)}`,
        passes: rate >= EVENTS_PER_SECOND_MIN,
      },
      {
        figure: 'bytes on disk per event',
        value: growth.bytes.toFixed(0),
        bar: `≤ ${BYTES_PER_EVENT_MAX}`,
        passes: growth.bytes <= BYTES_PER_EVENT_MAX,
      },
    ],
    notes: [
      `bytes per event: ${growth.details}`,
      ...cpuLine('Tollgate', results),
      loadShare(results),
    ],
    broken: conservation(results, used),
  }
}

async function copyRates(workspace: Workspace, databaseUrl: string, options: Options) {
  const copy = await startCopier(workspace, databaseUrl, ['in_chunks', 'in_one_go'])
  return async (table: string, rowsPerCopy: number): Promise<number> => {
    const copies = ROWS_COPIED / rowsPerCopy
    const rate = await copy({ table, rowsPerCopy, copies, tenants: options.tenants })
    progress(`COPY ${table}: ${whole(rate)} rows/s`)
    return rate
  }
}

function versus(figure: string, rate: number, reference: number, bar?: number) {
  const ratio = rate / reference
  return {
    figure: `events/s, ${figure}`,
    value: whole(rate),
    reference: whole(reference),
    ratio,
    ...(bar === undefined ? {} : { bar: `≥ ${bar} ×`, passes: ratio >= bar }),
  }
}

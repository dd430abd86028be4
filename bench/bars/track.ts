import type { Options } from '../options.ts'
import { benchPostgres } from '../postgres.ts'
import { startEmptyServer, startRowLockedServer } from '../references.ts'
import { median, type Report, type Row, whole } from '../report.ts'
import { startSubject, trackRequests, usedTogether } from '../subject.ts'
import type { Workspace } from '../workspace.ts'
import {
  CONNECTIONS_DEFAULT,
  closedLoop,
  conservation,
  cpuLine,
  loadShare,
  type Measured,
  SECONDS_DEFAULT,
} from './measure.ts'

const RATIO_TO_EMPTY_MIN = 0.6
const RATIO_TO_ROW_LOCKED_MIN = 8

/** Single events over many tenants, against a server that does nothing and one that locks rows. */
export async function track(workspace: Workspace, options: Options): Promise<Report> {
  const postgres = await benchPostgres(workspace, options)
  const subject = await startSubject(workspace, options, await postgres.createDatabase('subject'))
  const empty = await startEmptyServer(workspace)
  const rowLocked = await startRowLockedServer(
    workspace,
    await postgres.createDatabase('reference'),
    subject.tenants.map((tenant) => tenant.id),
  )
  const load = {
    requests: trackRequests(subject, subject.tenants, options, 1),
    connections: options.connections ?? CONNECTIONS_DEFAULT,
    seconds: options.seconds ?? SECONDS_DEFAULT,
  }
  const results: Record<'empty' | 'rowLocked' | 'tollgate', Measured[]> = {
    empty: [],
    rowLocked: [],
    tollgate: [],
  }
  for (let round = 1; round <= options.rounds; round++) {
    results.empty.push(await closedLoop('empty server', postgres, empty, load))
    results.rowLocked.push(await closedLoop('row-locked', postgres, rowLocked, load))
    results.tollgate.push(await closedLoop('Tollgate', postgres, subject.server, load))
  }
  const { tollgate } = results
  return {
    title: `track: single events over ${options.tenants} tenants, ${load.connections} connections`,
    conditions: [
      `plan ${options.plan}, ${options.keys} key, ${options.shape} events; median of ${options.rounds} rounds of ${load.seconds} s`,
      postgres.description,
    ],
    rows: [
      row('against an empty server', tollgate, results.empty, RATIO_TO_EMPTY_MIN),
      row('against a locked row per call', tollgate, results.rowLocked, RATIO_TO_ROW_LOCKED_MIN),
    ],
    notes: [
      `answered in ${median(tollgate.map((one) => one.latency.p50Ms)).toFixed(1)} ms (p50), ${median(tollgate.map((one) => one.latency.p99Ms)).toFixed(1)} ms (p99)`,
      ...cpuLine('Tollgate', tollgate),
      ...cpuLine('empty server', results.empty),
      ...cpuLine('row-locked', results.rowLocked),
      loadShare(Object.values(results).flat()),
    ],
    broken: conservation(tollgate, await usedTogether(subject)),
  }
}

function row(figure: string, subject: Measured[], reference: Measured[], bar: number): Row {
  const measured = median(subject.map((result) => result.requestsPerSecond))
  const against = median(reference.map((result) => result.requestsPerSecond))
  const ratio = measured / against
  return {
    figure: `requests/s, ${figure}`,
    value: whole(measured),
    reference: whole(against),
    ratio,
    bar: `≥ ${bar} ×`,
    passes: ratio >= bar,
  }
}

import { execFileSync } from 'node:child_process'
import { runLoad } from '../load.ts'
import type { Options } from '../options.ts'
import { benchPostgres } from '../postgres.ts'
import { median, progress, type Report, whole } from '../report.ts'
import { startSubject, trackRequests, usedTogether } from '../subject.ts'
import type { Workspace } from '../workspace.ts'
import { CONNECTIONS_DEFAULT, conservation, loadShare, WARMUP_MS } from './measure.ts'

const SECONDS_DEFAULT = 300
const RESIDENT_MB_MAX = 300
/** Last third against the middle one: more than noise would be a leak. */
const GROWTH_MAX = 1.1
const SAMPLE_MS = 1_000

/** What the server holds under the highest load, and whether it stays there. */
export async function memory(workspace: Workspace, options: Options): Promise<Report> {
  const postgres = await benchPostgres(workspace, options)
  const subject = await startSubject(workspace, options, await postgres.createDatabase('subject'))
  const seconds = options.seconds ?? SECONDS_DEFAULT
  const samples: number[] = []
  const sampling = setInterval(() => samples.push(residentMb(subject.server.pid)), SAMPLE_MS)
  progress(`highest load for ${seconds} s`)
  const result = await runLoad({
    host: subject.server.host,
    port: subject.server.port,
    connections: options.connections ?? CONNECTIONS_DEFAULT,
    requests: trackRequests(subject, subject.tenants, options, 1),
    pace: { kind: 'closed', warmupMs: WARMUP_MS, measureMs: seconds * 1_000 },
  }).finally(() => clearInterval(sampling))
  const third = Math.floor(samples.length / 3)
  const highest = Math.max(...samples)
  const middle = median(samples.slice(third, 2 * third))
  const last = median(samples.slice(2 * third))
  return {
    title: `memory: the server under the highest load for ${seconds} s`,
    conditions: [
      `${options.tenants} tenants, plan ${options.plan}, ${options.keys} key, ${options.shape} events; ${whole(result.requestsPerSecond)} requests/s`,
      postgres.description,
    ],
    rows: [
      {
        figure: 'highest resident',
        value: `${whole(highest)} MB`,
        bar: `≤ ${RESIDENT_MB_MAX} MB`,
        passes: highest <= RESIDENT_MB_MAX,
      },
      {
        figure: 'last third against the middle one',
        value: `${whole(last)} MB`,
        reference: `${whole(middle)} MB`,
        ratio: last / middle,
        bar: `≤ ${GROWTH_MAX} ×`,
        passes: last / middle <= GROWTH_MAX,
      },
    ],
    notes: ['the process of Tollgate alone, without its PostgreSQL', loadShare([result])],
    broken: conservation([result], await usedTogether(subject)),
  }
}

function residentMb(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024
}

import type { LoadResult } from '../load/plan.ts'
import { runLoad } from '../load.ts'
import type { Options } from '../options.ts'
import { benchPostgres } from '../postgres.ts'
import { median, milliseconds, progress, type Report, type Row, whole } from '../report.ts'
import { startSubject, trackRequests, usedTogether } from '../subject.ts'
import type { Workspace } from '../workspace.ts'
import {
  CONNECTIONS_DEFAULT,
  closedLoop,
  conservation,
  loadShare,
  SECONDS_DEFAULT,
  WARMUP_MS,
} from './measure.ts'

const SHARE_OF_HIGHEST_RATE = 0.5
const P50_MS_MAX = 5
const P99_MS_MAX = 25
/** A tail needs more to be seen than a rate. */
const SECONDS_PER_ROUND = 10

/** How long a call waits for its decision at half of the highest rate, counted from when it was due. */
export async function latency(workspace: Workspace, options: Options): Promise<Report> {
  const postgres = await benchPostgres(workspace, options)
  const subject = await startSubject(workspace, options, await postgres.createDatabase('subject'))
  const connections = options.connections ?? CONNECTIONS_DEFAULT
  const requests = trackRequests(subject, subject.tenants, options, 1)
  const seconds = options.seconds ?? SECONDS_PER_ROUND
  const highest: LoadResult[] = []
  const atHalf: LoadResult[] = []
  for (let round = 1; round <= options.rounds; round++) {
    const load = { requests, connections, seconds: SECONDS_DEFAULT }
    highest.push(await closedLoop('highest rate', postgres, subject.server, load))
    const rate = median(highest.map((one) => one.requestsPerSecond)) * SHARE_OF_HIGHEST_RATE
    await postgres.settle()
    const { host, port } = subject.server
    const pace = {
      kind: 'open' as const,
      requestsPerSecond: rate,
      warmupMs: WARMUP_MS,
      measureMs: seconds * 1_000,
    }
    const result = await runLoad({ host, port, connections, requests, pace })
    progress(`at ${whole(rate)}/s: p99 ${milliseconds(result.latency.p99Ms)}`)
    atHalf.push(result)
  }
  const rate = median(atHalf.map((one) => one.requestsPerSecond))
  return {
    title: `latency: single events at ${whole(rate)}/s, half of the highest rate`,
    conditions: [
      `${options.tenants} tenants, ${connections} connections, plan ${options.plan}, ${options.keys} key, ${options.shape} events; median of ${options.rounds} rounds of ${seconds} s`,
      postgres.description,
    ],
    rows: [
      row('p50', median(atHalf.map((one) => one.latency.p50Ms)), P50_MS_MAX),
      row('p99', median(atHalf.map((one) => one.latency.p99Ms)), P99_MS_MAX),
      {
        figure: 'longest of all',
        value: milliseconds(Math.max(...atHalf.map((one) => one.latency.maxMs))),
      },
    ],
    notes: [
      'counted from when a request was due: whoever waits behind a stall feels it',
      loadShare(atHalf),
    ],
    broken: conservation([...highest, ...atHalf], await usedTogether(subject)),
  }
}

function row(figure: string, ms: number, bar: number): Row {
  return { figure, value: milliseconds(ms), bar: `≤ ${bar} ms`, passes: ms <= bar }
}

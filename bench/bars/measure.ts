import { cpuSeconds } from '../cpu.ts'
import type { LoadPlan, LoadResult } from '../load/plan.ts'
import { runLoad } from '../load.ts'
import type { BenchPostgres } from '../postgres.ts'
import { median, progress, whole } from '../report.ts'

/** Long enough for Node to have compiled what is hot, and for the connections to be in step. */
export const WARMUP_MS = 3_000
export const SECONDS_DEFAULT = 5
export const CONNECTIONS_DEFAULT = 256

const MICROSECONDS = 1_000_000

type Target = { host: string; port: number; pid: number }

export type Measured = LoadResult & { cpu: CpuPerEvent | null }

/** Microseconds of processor time that an event cost; null where the kernel does not tell. */
type CpuPerEvent = { server: number; postgres: number; load: number }

/** The highest rate: every connection always has a request under way. */
export async function closedLoop(
  label: string,
  postgres: BenchPostgres,
  target: Target,
  load: { requests: LoadPlan['requests']; connections: number; seconds: number },
): Promise<Measured> {
  await postgres.settle()
  const before = usedBy(target, postgres)
  const result = await runLoad({
    host: target.host,
    port: target.port,
    connections: load.connections,
    requests: load.requests,
    pace: { kind: 'closed', warmupMs: WARMUP_MS, measureMs: load.seconds * 1_000 },
  })
  const after = usedBy(target, postgres)
  progress(`${label}: ${whole(result.eventsPerSecond)}/s`)
  return { ...result, cpu: before && after ? perEvent(before, after, result) : null }
}

function usedBy(target: Target, postgres: BenchPostgres) {
  const server = cpuSeconds(target.pid, false)
  const database = postgres.pid === null ? null : cpuSeconds(postgres.pid, true)
  return server === null || database === null ? null : { server, database }
}

function perEvent(
  before: { server: number; database: number },
  after: { server: number; database: number },
  result: LoadResult,
): CpuPerEvent {
  const perUnit = MICROSECONDS / result.total.events
  return {
    server: (after.server - before.server) * perUnit,
    postgres: (after.database - before.database) * perUnit,
    load: (result.cpuShare / result.eventsPerSecond) * MICROSECONDS,
  }
}

/** A line about what the processors were busy with: who would have to become cheaper. */
export function cpuLine(label: string, results: Measured[]): string[] {
  const cpus = results.flatMap((result) => result.cpu ?? [])
  if (cpus.length === 0) return []
  const of = (part: keyof CpuPerEvent): string => median(cpus.map((cpu) => cpu[part])).toFixed(1)
  return [
    `processor time per event, ${label}: server ${of('server')} µs, PostgreSQL ${of('postgres')} µs, load ${of('load')} µs`,
  ]
}

/** A line about the load process: whether it was what limited the rate. */
export function loadShare(results: LoadResult[]): string {
  const highest = Math.max(...results.map((result) => result.cpuShare))
  return `the load process used up to ${highest.toFixed(2)} of a processor`
}

/** Every event was acknowledged as new and allowed, and the accounts counted just those. */
export function conservation(results: LoadResult[], used: number): string[] {
  const events = sum(results, (result) => result.total.events)
  const allowed = sum(results, (result) => result.total.allowed)
  const replayed = sum(results, (result) => result.total.replayed)
  const broken: string[] = []
  if (allowed !== events) broken.push(`${events - allowed} of ${events} events were not allowed`)
  if (replayed > 0) broken.push(`${replayed} requests with new keys were answered as replays`)
  if (used !== allowed) {
    broken.push(`${allowed} events were acknowledged as allowed, the accounts counted ${used}`)
  }
  return broken
}

function sum(results: LoadResult[], of: (result: LoadResult) => number): number {
  return results.reduce((total, result) => total + of(result), 0)
}

import type pg from 'pg'
import { verifyRollups } from '../src/analytics/verify/verify.ts'
import { expectStatus, type TestNode } from './node.ts'

/** A call as the log has it, seen without any of the code that counts it. */
export type LoggedCall = {
  at: number
  denied: boolean
  failed: boolean
  voided: boolean
  units: number
  credits: number
  bytes: number | null
  ms: number | null
  values: Record<string, string | null>
  /** Those that have a value that can be counted by, as they are shown. */
  properties: Record<string, string>
}

type Raw = {
  seq: bigint
  recorded_at: number
  occurred_at: number | null
  kind: number
  reason: number
  counted: boolean
  failed: boolean
  quantity: bigint | null
  credits: bigint | null
  file_size_bytes: bigint | null
  processing_time_ms: bigint | null
  sender_id: string | null
  detail: { voided_seq?: number } | null
  properties: Record<string, unknown> | null
  [column: string]: unknown
}

/** Every call in a tenant's log. */
export async function loggedCalls(pool: pg.Pool, tenantId: string): Promise<LoggedCall[]> {
  const { rows } = await pool.query<Raw>(
    `SELECT e.*, coalesce(k.key_id, m.member_id) AS sender_id FROM entry AS e
     JOIN tenant AS t ON t.tenant_no = e.tenant_no
     LEFT JOIN api_key AS k ON k.key_no = e.sender_no
     LEFT JOIN member AS m ON m.member_no = -e.sender_no
     WHERE t.tenant_id = $1 ORDER BY e.seq`,
    [tenantId],
  )
  const voided = new Set(
    rows.filter(({ kind }) => kind === 11).map((row) => row.detail?.voided_seq),
  )
  return rows
    .filter(({ kind }) => kind === 3 || kind === 4)
    .map((row) => callOf(row, voided.has(Number(row.seq))))
}

function callOf(row: Raw, voided: boolean): LoggedCall {
  const denied = row.reason !== 0
  const failed = row.failed && !denied
  const text = (column: string) => row[column] as string | null
  const [from, to] = [text('file_type'), text('output_format')]
  return {
    at: Math.min(row.occurred_at ?? row.recorded_at, row.recorded_at),
    denied,
    failed,
    voided,
    units: row.counted ? Number(row.quantity ?? 1_000_000n) : 0,
    credits: -Number(row.credits ?? 0n),
    bytes: denied || row.file_size_bytes === null ? null : Number(row.file_size_bytes),
    ms: denied || row.processing_time_ms === null ? null : Number(row.processing_time_ms),
    values: {
      service: text('service'),
      endpoint: text('endpoint')!.slice(0, 400),
      method: text('method'),
      key: row.sender_id,
      conversion: from === null || to === null ? null : `${from}-to-${to}`,
      file_type: from,
      output_format: to,
      status: denied ? 'denied' : failed ? 'failure' : 'success',
      error_code: failed ? (text('error_code') ?? 'unknown') : null,
      region: text('region'),
      feature: text('feature'),
    },
    properties: Object.fromEntries(
      Object.entries(row.properties ?? {})
        .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
        .map(([name, value]) => [name, valueNaively(name, String(value))]),
    ),
  }
}

/** `name=value` has at most 400 characters, so a name takes its part of them. */
function valueNaively(name: string, value: string): string {
  return Array.from(value)
    .slice(0, 400 - name.length - 1)
    .join('')
}

/** What is to be seen of some calls. */
export function countedNaively(calls: readonly LoggedCall[]) {
  const done = calls.filter(({ denied, voided }) => !denied && !voided)
  const total = done.length
  const failed = done.filter((call) => call.failed).length
  const times = done.flatMap(({ ms }) => (ms === null ? [] : [ms]))
  const sizes = done.flatMap(({ bytes }) => (bytes === null ? [] : [bytes]))
  return {
    total,
    failed,
    successful: total - failed,
    denied: calls.filter(({ denied }) => denied).length,
    units: sum(done.map(({ units }) => units)) / 1e6,
    credits: sum(done.map(({ credits }) => credits)) / 1e6,
    bytes: sum(sizes),
    successRate: total === 0 ? null : Math.floor(((total - failed) * 1_000) / total) / 10,
    averageMs: mean(times),
    averageKb: sizes.length === 0 ? null : Math.round(sum(sizes) / sizes.length / 1_024),
    times: times.sort((a, b) => a - b),
    sizes: sizes.sort((a, b) => a - b),
    // Voids do not take back what was largest, or last.
    largest: largest(calls.filter(({ denied }) => !denied).map(({ bytes }) => bytes)),
    lastAt: largest(calls.filter(({ denied }) => !denied).map(({ at }) => at)),
  }
}

/** Calls by name, those that were neither denied nor voided. */
export function namesNaively(
  calls: readonly LoggedCall[],
  nameOf: (call: LoggedCall) => string | null,
): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const call of calls) {
    const name = nameOf(call)
    if (name === null || call.denied || call.voided) continue
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

export function percentileNaively(sorted: readonly number[], p: number): number | null {
  return sorted.length === 0 ? null : sorted[Math.ceil(p * sorted.length) - 1]!
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.round(sum(values) / values.length)
}

function largest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}

/** What of the rollups differs from their logs, in one snapshot, since nodes go on folding. */
export async function differencesOfRollups(pool: pg.Pool): Promise<string[]> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const { differences } = await verifyRollups(client)
    await client.query('COMMIT')
    return differences.map(({ what }) => what)
  } finally {
    client.release()
  }
}

/** As the tenant's key sees it. */
export async function usageOf(node: TestNode, key: string, what: string) {
  return expectStatus(await node.call('GET', `/api/usage/${what}`, key), 200).body
}

import { USAGE_COUNTERS_MAX } from '../../limits.ts'
import { OTHER } from '../dimensions.ts'
import { formatOf } from '../formats.ts'
import type { CounterRow } from './store.ts'

/** Calls of a tenant's whole life that were alike. */
export type CallCounter = {
  service: string
  fileType: string
  outputFormat: string
  status: string
  calls: number
}

/**
 * What is folded and what is not, together. A call is counted where the fold will count it, so that no
 * counter goes down when it does: the first ones of a log have a counter of their own. Formats are
 * compared in lower case, which adds up what was counted by itself.
 */
export function callCounters(rows: readonly CounterRow[]): CallCounter[] {
  const folded = rows.filter(({ first_seq }) => first_seq === null)
  const tail = rows
    .filter(({ first_seq }) => first_seq !== null)
    .sort((a, b) => Number(a.first_seq! - b.first_seq!))
  const known = new Set(folded.map(keyOf))
  const counters = new Map<string, CallCounter>()
  for (const row of folded) add(counters, row)
  for (const row of tail) {
    if (!known.has(keyOf(row)) && known.size >= USAGE_COUNTERS_MAX) {
      add(counters, { ...row, service: OTHER, file_type: OTHER, output_format: OTHER })
      continue
    }
    known.add(keyOf(row))
    add(counters, row)
  }
  return [...counters].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, counter]) => counter)
}

function add(counters: Map<string, CallCounter>, row: CounterRow): void {
  const file_type = formatOf(row.file_type)
  const output_format = formatOf(row.output_format)
  const key = keyOf({ ...row, file_type, output_format })
  const before = counters.get(key)?.calls ?? 0
  counters.set(key, {
    service: row.service,
    fileType: file_type,
    outputFormat: output_format,
    status: row.status,
    calls: before + Number(row.calls),
  })
}

function keyOf({ service, file_type, output_format, status }: CounterRow): string {
  return JSON.stringify([service, file_type, output_format, status])
}

import type { Queryable } from '../../db/pool.ts'
import { counterKey, type ExpectedCounters } from './expected-counters.ts'
import { type Position, readCountersOf, readLatenciesOf } from './store.ts'

/**
 * What is counted for life, against the log; of a log whose old lines are gone, only that no less is
 * counted than it still has.
 */
export async function compareCounters(
  db: Queryable,
  position: Position,
  { calls, latencies }: ExpectedCounters,
  logIsWhole: boolean,
): Promise<{ rows: number; differences: string[] }> {
  const counters = await readCountersOf(db, position)
  const buckets = await readLatenciesOf(db, position)
  const stored = new Map<string, string>()
  const should = new Map<string, string>()
  for (const { service, file_type, output_format, status, calls: number } of counters) {
    stored.set(counterKey([service, file_type, output_format], status), String(number))
  }
  for (const { le_ms, calls: number, ms } of buckets) stored.set(le_ms, `${number} of ${ms} ms`)
  for (const [key, number] of calls) should.set(key, String(number))
  for (const [key, { calls: number, ms }] of latencies) should.set(key, `${number} of ${ms} ms`)
  const rows = stored.size
  if (!logIsWhole) {
    const is = counters.reduce((sum, row) => sum + Number(row.calls), 0)
    const least = [...calls.values()].reduce((sum, number) => sum + number, 0)
    const less = `calls counted for life are ${is}, the log has ${least}`
    return { rows, differences: is < least ? [less] : [] }
  }
  const differences = [...new Set([...stored.keys(), ...should.keys()])].flatMap((key) => {
    const [is, by] = [stored.get(key) ?? '0', should.get(key) ?? '0']
    return is === by ? [] : [`calls counted for life, ${key}: ${is}, by the log ${by}`]
  })
  return { rows, differences }
}

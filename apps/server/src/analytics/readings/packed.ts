import { dimensionFromCode } from '../dimensions.ts'
import type { CallsOf, UsageOf } from './measures.ts'
import type { Histogram } from './percentiles.ts'

// Many rows as one value, a list for each column: the driver takes ten times as long for rows.

type Column<T> = readonly T[] | null

export type PackedUsage = {
  place: Column<number>
  dimension: Column<number>
  value: Column<string>
  calls: Column<number>
  failures: Column<number>
  denials: Column<number>
  units: Column<string>
  credits: Column<string>
  sized: Column<number>
  bytes: Column<number>
  timed: Column<number>
  ms: Column<number>
  largest_bytes: Column<number | null>
  last_at: Column<number | null>
}
export type PackedCalls = Pick<PackedUsage, 'place' | 'dimension' | 'value' | 'calls'>

/** SQL of an instant, in ms. */
export const epochMs = (instant: string) => `floor(extract(epoch FROM ${instant}) * 1000)::int8`

/** Of rows with these columns. */
export const PACKED_CALLS = `json_build_object('place', json_agg(place),
  'dimension', json_agg(dimension), 'value', json_agg(value), 'calls', json_agg(calls))`

/** What may be beyond 2^53 goes as text. */
export const PACKED_USAGE = `json_build_object('place', json_agg(place),
  'dimension', json_agg(dimension), 'value', json_agg(value), 'calls', json_agg(calls),
  'failures', json_agg(failures), 'denials', json_agg(denials), 'units', json_agg(units::text),
  'credits', json_agg(credits::text), 'sized', json_agg(sized), 'bytes', json_agg(bytes),
  'timed', json_agg(timed), 'ms', json_agg(ms), 'largest_bytes', json_agg(largest_bytes),
  'last_at', json_agg(${epochMs('last_at')}))`

/** @param placeOf what PostgreSQL calls a place */
export function unpackedUsage(
  packed: PackedUsage,
  placeOf: (place: number) => number = fromZero,
): UsageOf[] {
  const { calls, failures, denials, units, credits, sized, bytes, timed, ms } = packed
  return unpackedCalls(packed, placeOf).map((one, index) => ({
    ...one,
    calls: calls![index]!,
    failed: failures![index]!,
    denied: denials![index]!,
    units: BigInt(units![index]!),
    credits: BigInt(credits![index]!),
    sized: sized![index]!,
    bytes: bytes![index]!,
    timed: timed![index]!,
    ms: ms![index]!,
    largestBytes: packed.largest_bytes![index]!,
    lastAt: packed.last_at![index]!,
  }))
}

export function unpackedCalls(
  { place, dimension, value, calls }: PackedCalls,
  placeOf: (place: number) => number = fromZero,
): CallsOf[] {
  return (place ?? []).map((one, index) => ({
    place: placeOf(one),
    dimension: dimensionFromCode(dimension![index]!),
    value: value![index]!,
    calls: calls![index]!,
  }))
}

export function unpackedHistogram({
  place,
  buckets,
  calls,
}: {
  place: number
  buckets: string
  calls: string
}): Histogram & { place: number } {
  return { place: fromZero(place), buckets: numbersFrom(buckets), calls: numbersFrom(calls) }
}

/** Of an array as PostgreSQL writes it: {-1,120,305}. */
export function numbersFrom(array: string): number[] {
  return JSON.parse(`[${array.slice(1, -1)}]`)
}

/** Stretches are counted from 1 in SQL. */
function fromZero(place: number): number {
  return place - 1
}

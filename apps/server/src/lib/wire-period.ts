import type { Period } from './periods.ts'

/** A period on the wire, where `end` is its last second. */
export function wirePeriod(
  { start, end }: Period,
  timeZone: string,
): { start: string; end: string; timezone: string } {
  return { start: wireSecond(start), end: wireSecond(end - 1_000), timezone: timeZone }
}

/** ISO 8601 without the milliseconds that periods never have. */
export function wireSecond(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z')
}

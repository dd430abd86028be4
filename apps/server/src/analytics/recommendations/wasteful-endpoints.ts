import type { Recommendation } from '@tollgate/contract'
import { numberFromMicros } from '../../lib/micros.ts'
import { WASTEFUL_ENDPOINTS_MAX } from '../../limits.ts'
import type { Subject } from '../answer.ts'
import { dayAt, startOfDay } from '../calendar.ts'
import { OTHER } from '../dimensions.ts'
import { round, share } from '../rates.ts'
import { NO_USAGE, sumOf, type Usage } from '../readings/measures.ts'
import { dailyReader } from '../readings/reader.ts'

/** Today and those before it. */
const DAYS = 30
/** Less is not worth a word. */
const FAILED_MIN = 10
const FAILURE_PERCENT_MIN = 5

type Waste = Extract<Recommendation, { kind: 'wasteful_endpoint' }>

export async function readWastefulEndpoints({
  source,
  account,
  now,
  keptFrom,
}: Subject): Promise<Waste[]> {
  const { timeZone } = account
  const today = dayAt(now, timeZone)
  const [first, end] = [today.subtract({ days: DAYS - 1 }), today.add({ days: 1 })].map((day) =>
    startOfDay(day, timeZone),
  ) as [number, number]
  // Of days that are deleted a late call may have left something.
  const starts = [Math.max(first, keptFrom ?? first), end]
  const found = await dailyReader(source, starts).by(['endpoint', 'status'])
  const failures = found.filter(({ dimension, value }) => {
    return dimension === 'status' && value === 'failure'
  })
  return wastefulEndpoints(
    found.filter(({ dimension }) => dimension === 'endpoint'),
    failures.length === 0 ? NO_USAGE : sumOf(failures),
  )
}

/**
 * Endpoints on which most was lost: credits, then units, then calls. How much calls that failed used in
 * all is known exactly; how it lies on the endpoints goes by what a call to each uses on average. Pure.
 * @param lost by all calls that failed
 */
export function wastefulEndpoints(
  endpoints: readonly (Usage & { value: string })[],
  lost: Pick<Usage, 'units' | 'credits'>,
): Waste[] {
  const failing = endpoints.filter(({ calls, failed }) => calls > 0 && failed > 0)
  const units = partsOf(lost.units, failing, ({ units }) => units)
  const credits = partsOf(lost.credits, failing, ({ credits }) => credits)
  return failing
    .map((endpoint, index) => wasteOf(endpoint, units[index]!, credits[index]!))
    .filter(({ endpoint, failed, failure_rate }) => {
      return endpoint !== OTHER && failed >= FAILED_MIN && failure_rate >= FAILURE_PERCENT_MIN
    })
    .sort(
      (a, b) =>
        b.credits_lost - a.credits_lost ||
        b.units_lost - a.units_lost ||
        b.failed - a.failed ||
        (a.endpoint < b.endpoint ? -1 : 1),
    )
    .slice(0, WASTEFUL_ENDPOINTS_MAX)
}

function partsOf(
  all: bigint,
  failing: readonly Usage[],
  of: (usage: Usage) => bigint,
): readonly number[] {
  const weights = failing.map((usage) => {
    return (Math.max(0, numberFromMicros(of(usage))) * usage.failed) / usage.calls
  })
  const sum = weights.reduce((before, weight) => before + weight, 0)
  const whole = Math.max(0, numberFromMicros(all))
  return weights.map((weight) => (sum === 0 ? 0 : round((whole * weight) / sum, 6)))
}

function wasteOf(
  { value, calls, failed }: Usage & { value: string },
  units: number,
  credits: number,
): Waste {
  return {
    kind: 'wasteful_endpoint',
    endpoint: value,
    days: DAYS,
    calls,
    failed,
    failure_rate: share(failed, calls),
    units_lost: units,
    credits_lost: credits,
  }
}

import { USAGE_LOG_LATE_HOURS, USAGE_LOG_LINES_MAX } from '../../limits.ts'
import { METRIC_CODES } from '../dimensions.ts'
import {
  byPlace,
  codesOf,
  percentilesByPlace,
  type UsageReader,
  type UsageSource,
  withoutName,
} from './folded-reader.ts'
import type { UsageOf } from './measures.ts'
import { unpackedHistogram, unpackedUsage } from './packed.ts'
import {
  type Asked,
  type LogStretch,
  readLoggedHistograms,
  readLoggedUsage,
  readSeqBefore,
} from './store.ts'

/**
 * From the lines of the log, of which it reads a bounded number; calls that were recorded more than
 * USAGE_LOG_LATE_HOURS after the last stretch are not seen.
 * @returns null when there are too many lines
 */
export async function loggedReader(
  source: UsageSource,
  starts: readonly number[],
): Promise<UsageReader | null> {
  const stretch = await logStretch(source, starts[0]!, starts.at(-1)!)
  return stretch.through - stretch.after > USAGE_LOG_LINES_MAX
    ? null
    : readerOfStretch(source, starts, stretch)
}

function readerOfStretch(
  source: UsageSource,
  starts: readonly number[],
  stretch: LogStretch,
): UsageReader {
  const { pool, tenantNo } = source
  const stretches = { tenantNo, starts }
  const read = async (asked: Asked): Promise<UsageOf[]> =>
    unpackedUsage(await readLoggedUsage(pool, stretches, asked, stretch))
  const by: UsageReader['by'] = (dimensions) =>
    read({ dimensions: codesOf(dimensions), property: null })
  return {
    by,
    callsBy: async (dimensions) => byPlace(await by(dimensions), starts.length - 1),
    byProperty: async (name) =>
      withoutName(name, await read({ dimensions: codesOf(['property']), property: name })),
    percentiles: async (metric) => {
      const rows = await readLoggedHistograms(pool, stretches, METRIC_CODES[metric], stretch)
      return percentilesByPlace(rows.map(unpackedHistogram), starts.length - 1)
    },
    part: (first, end) => readerOfStretch(source, starts.slice(first, end + 1), stretch),
  }
}

/** Nothing happens after it is recorded, so no line before `from` is about what came after. */
export async function logStretch(
  { pool, tenantNo }: UsageSource,
  from: number,
  to: number,
): Promise<LogStretch> {
  const late = to + USAGE_LOG_LATE_HOURS * 3_600_000
  const [after, through] = await Promise.all([
    readSeqBefore(pool, tenantNo, from),
    readSeqBefore(pool, tenantNo, late),
  ])
  return { after, through, since: from }
}

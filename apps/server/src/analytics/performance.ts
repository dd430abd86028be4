import type { UsagePerformance } from '@tollgate/contract'
import type { Verb } from './answer.ts'
import { plainRange } from './breakdown.ts'
import { countsOf } from './counts.ts'
import { needOf, requireFeature } from './gate.ts'
import type { RangeQuery } from './range.ts'
import { average, kilobytes, megabytes, rounded, successRate } from './rates.ts'
import { wholeReader } from './readings/reader.ts'
import { sumOf } from './readings/measures.ts'

/** How long calls took, how large files were, how many failed and why. */
export const usagePerformance: Verb<RangeQuery, UsagePerformance> = (subject, query) => {
  const { terms, catalog, gated, source } = subject
  if (gated) requireFeature(catalog, terms, needOf('performance'))
  const range = plainRange(subject, query)
  return {
    dependsOn: [range.from, range.to],
    async read() {
      const reader = wholeReader(source, range)
      const [totals, [errors], [times], [sizes]] = await Promise.all([
        reader.by(['total']),
        reader.callsBy(['error_code']),
        reader.percentiles('processing_time'),
        reader.percentiles('file_size'),
      ])
      const total = sumOf(totals)
      return {
        period: { start: range.first, end: range.last },
        performance: {
          processing_times: {
            average_ms: average(total.ms, total.timed),
            median_ms: rounded(times!.p50),
            p95_ms: rounded(times!.p95),
            p99_ms: rounded(times!.p99),
          },
          file_sizes: {
            average_kb: kilobytes(total.sized === 0 ? null : total.bytes / total.sized),
            median_kb: kilobytes(sizes!.p50),
            largest_mb: total.largestBytes === null ? null : megabytes(total.largestBytes),
          },
          success_metrics: {
            total_attempts: total.calls,
            successful: total.calls - total.failed,
            failed: total.failed,
            success_rate: successRate(total),
          },
          error_breakdown: countsOf(errors!),
        },
      }
    },
  }
}

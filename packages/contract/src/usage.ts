import { z } from 'zod'
import { count, creditsOut, instantOut, queryNumberOr } from './fields.ts'
import { NAME_CHARS_MAX, PAGE_ROWS_MAX, USAGE_SERIES_DEFAULT, USAGE_SERIES_MAX } from './limits.ts'
import { tenantQuery } from './readings.ts'

export const GRANULARITIES = ['monthly', 'weekly', 'daily', 'hourly', 'minute', 'second'] as const
export type Granularity = (typeof GRANULARITIES)[number]

/** What calls can be grouped by, one at a time. */
export const USAGE_DIMENSIONS = [
  'service',
  'endpoint',
  'method',
  'key',
  'team',
  'conversion',
  'file_type',
  'output_format',
  'status',
  'error_code',
  'region',
  'feature',
  'property',
] as const
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number]
/** What calls can be filtered by under its own name; by properties with the names of those. */
export type UsageFilter = Exclude<UsageDimension, 'property'>
export const USAGE_FILTERS = USAGE_DIMENSIONS.filter((name) => name !== 'property')

const date = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], {
    error: 'a date as in 2025-01-31, or for minutes and seconds a time with a zone',
  })
  .describe(
    "A day in the tenant's time zone; for minutes and seconds a time with a zone may stand here",
  )

export const periodQuery = {
  period: z
    .string()
    .regex(
      /^(current_month|last_month|last_7_days|last_30_days|20\d\d-(0[1-9]|1[0-2]))$/,
      'current_month, last_month, last_7_days, last_30_days or a month as in 2025-01',
    )
    .describe(
      "current_month, last_month, last_7_days, last_30_days (each up to and with today) or YYYY-MM, in the tenant's time zone. Left out, as are the dates: current_month",
    )
    .optional(),
  start_date: date.optional(),
  end_date: date.describe('The last day; a time is where it ends').optional(),
}
const granularity = z
  .enum(GRANULARITIES)
  .default('daily')
  .describe('Hours, and minutes and seconds, only where the plan has them')

const paging = {
  limit: queryNumberOr(PAGE_ROWS_MAX, 1, PAGE_ROWS_MAX),
  cursor: z.string().min(1).max(200).describe('next_cursor of the page before').optional(),
}
export const rangeQuery = z.strictObject({ ...tenantQuery.shape, ...periodQuery })
export const historyQuery = z.strictObject({ ...rangeQuery.shape, granularity, ...paging })

const listed = z
  .string()
  .min(1)
  .max(4 * NAME_CHARS_MAX)
const filter = listed
  .describe(
    'Only calls with one of these values, with commas between. Several filters hold together. By another one than is grouped by, or by several, the log is read: no more than 500,000 lines, and no calls that were recorded more than 24 hours after the range',
  )
  .optional()
const filters = {
  service: filter,
  endpoint: filter,
  method: filter,
  key: filter,
  team: filter,
  conversion: filter,
  file_type: filter,
  output_format: filter,
  status: filter,
  error_code: filter,
  region: filter,
  feature: filter,
} satisfies Record<UsageFilter, typeof filter>

export const timeseriesQuery = z.strictObject({
  ...rangeQuery.shape,
  granularity,
  group_by: z.enum(USAGE_DIMENSIONS).describe('Left out: all calls together').optional(),
  property: z
    .string()
    .min(1)
    .max(NAME_CHARS_MAX)
    .describe('With group_by=property: one of those that the catalog counts')
    .optional(),
  values: listed.describe('Only these values of group_by, with commas between').optional(),
  ...filters,
  properties: listed
    .describe(
      'Only calls with these custom properties: `name=value` with commas between. A name may come several times: one of its values is enough',
    )
    .optional(),
  series: queryNumberOr(USAGE_SERIES_DEFAULT, 1, USAGE_SERIES_MAX).describe(
    'How many values are shown by themselves, those with most calls',
  ),
})

export const metricsReply = z
  .string()
  .describe(
    'Prometheus text, or OpenMetrics where Accept asks for it: tollgate_conversions_total{service,file_type,output_format,status}, tollgate_denials_total, tollgate_quota_used, _limit, _remaining, tollgate_credits_remaining, tollgate_processing_seconds',
  )

const seqText = z.string().regex(/^\d{1,15}$/, 'the number of a line, at most 15 digits')
export const streamQuery = z.strictObject({
  ...tenantQuery.shape,
  from: z
    .union([z.literal('now'), seqText], { error: 'now, or the number of a line' })
    .default('now')
    .describe('The first line to send, by its seq; now: what comes from here on'),
  last_event_id: seqText
    .describe(
      'What was seen last, for who cannot send the header Last-Event-ID, which goes before it',
    )
    .optional(),
  follow: z
    .enum(['true', 'false'])
    .default('true')
    .describe('false: ends when all lines that there are now were sent'),
})
export const lastEventId = seqText
export const streamReply = z
  .string()
  .describe(
    'Server-sent events. `decision`: a line that decides a call or hold, `alert`: one that says that a threshold was reached, `entry`: any other line of the log, all as in /api/entries, with its seq as id. `gap`: lines {from, through} that are gone. `dropped`: the last event, with {reason, detail}. Others may come to be.',
  )

const rate = z.number().nullable().describe('Percent, one decimal; null: no calls')
const ms = z.number().int().nullable().describe('null: no call told how long it took')

export const historyReply = z
  .object({
    period: z.object({
      start: z.string().describe('First day'),
      end: z.string().describe('Last day'),
      granularity: z.enum(GRANULARITIES),
    }),
    data: z.array(
      z.object({
        date: z
          .string()
          .describe('Day, first day of a week, month, or where an hour, minute or second begins'),
        conversions: z.object({
          total: count.describe('Calls that were not denied'),
          successful: count,
          failed: count,
          by_type: z.record(z.string(), count).describe('By formats, as in xlsx-to-json'),
        }),
        performance: z.object({
          average_processing_time_ms: ms,
          p95_processing_time_ms: ms.describe('Within 1 %; null: no call told it'),
          average_file_size_kb: z.number().int().nullable(),
        }),
      }),
    ),
    totals: z.object({
      conversions: count,
      success_rate: rate,
      average_daily: z.number().int().describe('By the days that have begun'),
    }),
    next_cursor: z.string().describe('Left out: there is no more').optional(),
  })
  .meta({ id: 'UsageHistory' })
export type UsageHistory = z.infer<typeof historyReply>

export const currentReply = z
  .object({
    timestamp: instantOut,
    today: z.object({
      conversions: count,
      last_conversion: instantOut.nullable(),
      success_rate: rate,
    }),
    last_hour: z.object({ conversions: count, average_processing_time_ms: ms }),
    quota_status: z.object({
      percentage_used: z.number().nullable().describe('null: no limit'),
      alert_threshold: z.number(),
      alert_active: z.boolean(),
    }),
  })
  .meta({ id: 'UsageCurrent' })
export type UsageCurrent = z.infer<typeof currentReply>

export const breakdownReply = z
  .object({
    period: z.string().describe('A month as in 2025-01, or first and last day with / between'),
    breakdown: z.object({
      by_format: z.record(
        z.string(),
        z.object({
          conversions: count,
          percentage: z.number().describe('Of all that have a format; one decimal'),
          subtypes: z
            .record(z.string(), count)
            .describe('Left out: the family has but one')
            .optional(),
        }),
      ),
      by_output: z.record(z.string(), count),
    }),
  })
  .meta({ id: 'UsageBreakdown' })
export type UsageBreakdown = z.infer<typeof breakdownReply>

export const performanceReply = z
  .object({
    period: z.object({ start: z.string(), end: z.string() }),
    performance: z.object({
      processing_times: z
        .object({ average_ms: ms, median_ms: ms, p95_ms: ms, p99_ms: ms })
        .describe('Percentiles within 1 %'),
      file_sizes: z.object({
        average_kb: z.number().int().nullable(),
        median_kb: z.number().int().nullable(),
        largest_mb: z.number().nullable(),
      }),
      success_metrics: z.object({
        total_attempts: count,
        successful: count,
        failed: count,
        success_rate: rate,
      }),
      error_breakdown: z.record(z.string(), count),
    }),
  })
  .meta({ id: 'UsagePerformance' })
export type UsagePerformance = z.infer<typeof performanceReply>

const counted = {
  conversions: z.object({ total: count, successful: count, failed: count }),
  denied: count,
  units: z.number().describe('Units that counted'),
  credits: creditsOut.describe('Credits that were taken'),
  percentage: z.number().describe('Of all calls that were not denied; one decimal'),
}
const shownPeriod = z.object({ start: z.string(), end: z.string() })

export const keysUsageReply = z
  .object({
    period: shownPeriod,
    data: z.array(
      z.object({
        key_id: z.string().nullable().describe('null: a person sent them'),
        member_id: z.string().nullable().describe('null: a key sent them'),
        team: z.string().nullable(),
        ...counted,
        last_used_at: instantOut.nullable().describe('Of calls in the period'),
      }),
    ),
  })
  .meta({ id: 'UsageByKey' })
export type UsageByKey = z.infer<typeof keysUsageReply>

export const teamsUsageReply = z
  .object({
    period: shownPeriod,
    data: z.array(
      z.object({
        team: z.string().nullable().describe('null: keys without a team, and people'),
        keys: count.describe('Keys that sent something'),
        ...counted,
      }),
    ),
  })
  .meta({ id: 'UsageByTeam' })
export type UsageByTeam = z.infer<typeof teamsUsageReply>

const point = z.object({
  date: z.string(),
  total: count,
  successful: count,
  failed: count,
  denied: count,
  units: z.number(),
  credits: creditsOut,
  bytes: z.number(),
  average_processing_time_ms: ms,
})
export const timeseriesReply = z
  .object({
    period: z.object({ ...shownPeriod.shape, granularity: z.enum(GRANULARITIES) }),
    group_by: z.enum(USAGE_DIMENSIONS).nullable(),
    property: z.string().describe('With group_by=property: which').optional(),
    series: z
      .array(
        z.object({
          value: z
            .string()
            .nullable()
            .describe(
              'null: all calls, or by team those of who has none; (other): what is not shown',
            ),
          total: count,
          data: z.array(point),
        }),
      )
      .describe('Most calls first'),
  })
  .meta({ id: 'UsageTimeseries' })
export type UsageTimeseries = z.infer<typeof timeseriesReply>

/** What a plan may lack of the Usage API. */
export const PLAN_FEATURES = [
  'hourly_granularity',
  'second_granularity',
  'history',
  'performance',
  'realtime',
  'export',
  'alerts',
] as const
export type PlanFeature = (typeof PLAN_FEATURES)[number]

import { z } from 'zod'
import { count, creditsOut, instantOut } from './fields.ts'
import { amount } from './readings.ts'

/** By what a forecast goes: more history, more of it is believed. */
export const FORECAST_BASES = ['trend_and_season', 'season', 'average', 'none'] as const
export type ForecastBasis = (typeof FORECAST_BASES)[number]
export const FORECAST_CONFIDENCES = ['high', 'medium', 'low', 'none'] as const
export type ForecastConfidence = (typeof FORECAST_CONFIDENCES)[number]
/** Why there is none. */
export const NO_USAGE_FORECAST_REASONS = ['no_whole_day', 'not_running'] as const

const orNull = 'null: there is no forecast'
const expected = {
  expected: z.number().nullable().describe(orNull),
  low: z.number().nullable().describe('One case in ten lies below'),
  high: z.number().nullable().describe('One case in ten lies above'),
}
const soFar = z.object({ so_far: z.number(), ...expected })
const cost = z.object({
  currency: z.string().describe('ISO 4217'),
  expected: amount.nullable().describe(orNull),
  low: amount.nullable(),
  high: amount.nullable(),
})
const HIDDEN = 'null: for who may not read bills, or without a price in the currency'
const day = z
  .string()
  .nullable()
  .describe("A day in the tenant's time zone; null: not by `through`")
const runsOut = z.object({
  expected: day,
  earliest: day.describe('If as much is used as `high` says'),
  latest: day.describe('If as little is used as `low` says'),
  through: z.string().describe('The last day that was looked at'),
})

export const forecastReply = z
  .object({
    basis: z
      .enum(FORECAST_BASES)
      .describe(
        'trend_and_season: 28 whole days and more; season: 14 and more, weekdays without a trend; average: fewer, all days alike; none: see reason',
      ),
    confidence: z.enum(FORECAST_CONFIDENCES).describe('By how much there is to go by'),
    reason: z
      .enum(NO_USAGE_FORECAST_REASONS)
      .nullable()
      .describe('Why there is none: no whole day since the first call, or no calls are taken'),
    history: z.object({
      days: count.describe('Whole days, from the first with a call on'),
      first: z.string().nullable(),
      last: z.string().nullable(),
      timezone: z.string(),
    }),
    interval_percent: z.number().describe('Of cases that lie between low and high'),
    period_end: z
      .object({
        start: instantOut,
        end: instantOut.describe('Last second'),
        conversions: soFar.describe('Calls that were not denied'),
        units: soFar.describe('What uses the quota; so far by when it was recorded'),
        credits: soFar.describe('Burned so far; of those to come only what calls take, not holds'),
        cost: cost
          .extend({ so_far: amount })
          .nullable()
          .describe(
            `Before corrections, discounts and tax, and of no more than the quota lets through. ${HIDDEN}`,
          ),
      })
      .describe('What the running period will have come to'),
    next_30_days: z
      .object({
        start: instantOut,
        end: instantOut,
        conversions: z.object(expected),
        units: z.object(expected),
        credits: z.object(expected),
        cost: cost
          .nullable()
          .describe(`As one period of its own on the present plan, with one fee. ${HIDDEN}`),
      })
      .describe('From now on'),
    quota: z
      .object({ limit: z.number(), used: z.number(), runs_out: runsOut })
      .nullable()
      .describe('null: no limit'),
    credits: z
      .object({ available: creditsOut, runs_out: runsOut })
      .nullable()
      .describe('null: the plan does not pay from credits'),
  })
  .meta({ id: 'UsageForecast' })
export type UsageForecast = z.infer<typeof forecastReply>

import type { ForecastBasis, ForecastConfidence } from '@tollgate/contract'
import {
  averageShape,
  type Day,
  type DayAhead,
  type Shape,
  seasonShape,
  weightedSum,
} from './shape.ts'

/** In eight of ten cases it lies between `low` and `high`. */
export type Expected = { readonly expected: number; readonly low: number; readonly high: number }

export type Forecast = {
  readonly basis: ForecastBasis
  readonly confidence: ForecastConfidence
  /** From now to the end of each day ahead. */
  readonly through: readonly Expected[]
}

/** Each weekday twice, so that what is odd about one shows; and as often again for a trend. */
const SEASON_DAYS_MIN = 14
const TREND_DAYS_MIN = 28
/** Where the normal distribution leaves a tenth on either side: 80 % lie between. */
const DEVIATIONS = 1.2816
const WEEK = 7

/**
 * How much will be used through each of the days ahead, from whole days of use, in order and without
 * gaps. The first day ahead follows the last of them. Pure, and of one size: ten times the use is ten
 * times the forecast.
 * @returns null without a day to go by
 */
export function forecastOf(history: readonly Day[], ahead: readonly DayAhead[]): Forecast | null {
  if (history.length === 0) return null
  const basis = basisOf(history.length)
  const shape =
    basis === 'average'
      ? averageShape(history, ahead)
      : seasonShape(history, ahead, basis === 'trend_and_season')
  return { basis, confidence: CONFIDENCE[basis], through: throughDays(history, ahead, shape) }
}

const CONFIDENCE = { average: 'low', season: 'medium', trend_and_season: 'high' } as const

function basisOf(days: number): keyof typeof CONFIDENCE {
  if (days < SEASON_DAYS_MIN) return 'average'
  return days < TREND_DAYS_MIN ? 'season' : 'trend_and_season'
}

/**
 * What may go wrong: every day by itself, the level on all days alike, the trend the more the further
 * ahead. The first two grow with how far the model was off so far, in proportion to what it expected.
 */
function throughDays(
  history: readonly Day[],
  ahead: readonly DayAhead[],
  shape: Shape,
): Expected[] {
  const { daily, level, together } = relativeVariance(history, shape)
  let [expected, squares, trendOff] = [0, 0, 0]
  let before: Expected = { expected: 0, low: 0, high: 0 }
  return ahead.map(({ share }, day) => {
    const amount = shape.ahead[day]! * share
    expected += amount
    // Half a day varies like a day that is half as large: its calls come in the same bursts.
    squares += amount ** 2
    trendOff += shape.trendOff[day]! * share
    const deviation = Math.sqrt(daily * squares + level * expected ** 2 + together * trendOff ** 2)
    const low = Math.max(0, expected - DEVIATIONS * deviation)
    // What is used by tomorrow is used by the day after it, too.
    before = {
      expected,
      low: Math.min(expected, Math.max(before.low, low)),
      high: Math.max(before.high, expected + DEVIATIONS * deviation),
    }
    return before
  })
}

/** Of a day, and of the level of all days; and how much more than they would if days were strangers. */
function relativeVariance(
  history: readonly Day[],
  shape: Shape,
): { daily: number; level: number; together: number } {
  const { fitted, weights, parameters, unseen } = shape
  const off = history.map(({ amount }, day) => amount - fitted[day]!)
  const all = weightedSum(
    fitted.map((amount) => amount ** 2),
    weights,
  )
  if (all === 0) return { daily: 0, level: 0, together: 1 }
  const found = weightedSum(
    off.map((one) => one ** 2),
    weights,
  )
  // A model that takes many numbers from few days comes closer to them than to those that follow.
  const tooClose = unseen > 0 ? 1 : history.length / (history.length - parameters)
  const together = togetherness(off)
  const daily = ((found + unseen ** 2) / all) * tooClose * together
  const days =
    weightedSum(
      weights,
      weights.map(() => 1),
    ) **
      2 /
    weightedSum(weights, weights)
  return { daily, level: daily / days, together }
}

/**
 * How much more a week varies than seven days would that have nothing to do with each other: busy days
 * come together. Between 1 and 7, where all days of a week are off alike.
 */
function togetherness(off: readonly number[]): number {
  const weeks = Math.floor(off.length / WEEK)
  if (weeks < 2) return 1
  const whole = off.slice(off.length - weeks * WEEK)
  const days = whole.reduce((sum, one) => sum + one ** 2, 0)
  if (days === 0) return 1
  let found = 0
  for (let week = 0; week < weeks; week += 1) {
    const sum = whole.slice(week * WEEK, (week + 1) * WEEK).reduce((all, one) => all + one, 0)
    found += sum ** 2
  }
  return Math.min(WEEK, Math.max(1, found / days))
}

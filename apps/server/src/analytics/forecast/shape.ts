/** A day of use. Weekdays are 1 (Monday) to 7; amounts are not below zero. */
export type Day = { readonly weekday: number; readonly amount: number }
/** A day to come and how much of it is: all of it is 1. */
export type DayAhead = { readonly weekday: number; readonly share: number }

/** What a model makes of the days that were, and of those ahead. */
export type Shape = {
  readonly fitted: readonly number[]
  /** Of whole days; shares are not taken yet. */
  readonly ahead: readonly number[]
  /** How much each day counts: the more, the later. */
  readonly weights: readonly number[]
  /** How many numbers were taken from the days to make it. */
  readonly parameters: number
  /** How far each day ahead would be off, were the trend off by its own uncertainty. */
  readonly trendOff: readonly number[]
  /** A residual that is added to those found, where so few days may have hidden it. */
  readonly unseen: number
}

const WEEK = 7
/** What a day counts for, compared with the day after it: half after three weeks. */
const DECAY = 0.97
/** What is left of the trend with each further day: nobody grows for ever. */
const DAMPING = 0.98

/** All days alike: with so few, one more is reckoned with that is off by all of the average. */
export function averageShape(history: readonly Day[], ahead: readonly DayAhead[]): Shape {
  const average = meanOf(history.map(({ amount }) => amount))
  return {
    fitted: history.map(() => average),
    ahead: ahead.map(() => average),
    weights: history.map(() => 1),
    parameters: 1,
    trendOff: ahead.map(() => 0),
    unseen: average,
  }
}

/** Weekdays times a level, which is the same every day or, `withTrend`, lies on a line. */
export function seasonShape(
  history: readonly Day[],
  ahead: readonly DayAhead[],
  withTrend: boolean,
): Shape {
  const factors = weekdayFactors(history)
  const factorOf = ({ weekday }: { weekday: number }) => factors[weekday - 1]!
  const line = lineOf(history, factorOf, withTrend)
  const last = history.length - 1
  const weights = history.map((_, day) => DECAY ** (last - day))
  const raw = history.map((one, day) => Math.max(0, line.at(day)) * factorOf(one))
  // The line gives the shape; what was used lately says how high it lies.
  const used = weightedSum(
    history.map(({ amount }) => amount),
    weights,
  )
  const fits = weightedSum(raw, weights)
  const scale = fits > 0 ? used / fits : 1
  const sinceMiddle = Math.min(1 / (1 - DECAY), last / 2)
  const steps = ahead.map((_, day) => dampedSteps(day + 1))
  return {
    fitted: raw.map((amount) => amount * scale),
    ahead: ahead.map((one, day) => {
      return Math.max(0, line.at(last) + line.slope * steps[day]!) * factorOf(one) * scale
    }),
    weights,
    parameters: WEEK + (withTrend ? 2 : 1),
    trendOff: ahead.map((one, day) => {
      // Nor does anybody know whether it fades.
      const fading = line.slope * (day + 1 - steps[day]!)
      const off = Math.hypot(line.slopeError * (sinceMiddle + steps[day]!), fading)
      return off * factorOf(one) * scale
    }),
    unseen: 0,
  }
}

/**
 * Classical decomposition: what a weekday has of the week around it. A week around a day holds every
 * weekday once, so a trend leaves no trace in it. As sums, for that a weekday with a call now and then
 * is not taken for one without any.
 */
function weekdayFactors(history: readonly Day[]): number[] {
  const own = Array<number>(WEEK).fill(0)
  const around = Array<number>(WEEK).fill(0)
  for (let day = 3; day < history.length - 3; day += 1) {
    const { weekday, amount } = history[day]!
    own[weekday - 1]! += amount
    around[weekday - 1]! += meanOf(history.slice(day - 3, day + 4).map((one) => one.amount))
  }
  const factors = own.map((sum, weekday) => (around[weekday]! > 0 ? sum / around[weekday]! : 0))
  const all = factors.reduce((sum, factor) => sum + factor, 0)
  return all > 0 ? factors.map((factor) => (factor * WEEK) / all) : factors.map(() => 1)
}

type Line = { at: (day: number) => number; slope: number; slopeError: number }

/**
 * The line through the days without their weekdays. Its slope is the median of the slopes between any
 * two days (Theil–Sen), which a few odd days do not turn. A slope that noise could have made as well
 * counts for less, one that is smaller than its own uncertainty for nothing, and without a trend none
 * does; what is not believed of it is doubt.
 */
function lineOf(history: readonly Day[], factorOf: (day: Day) => number, withTrend: boolean): Line {
  const points = history.flatMap((day, x) => {
    const factor = factorOf(day)
    return factor > 0 ? [{ x, y: day.amount / factor }] : []
  })
  const [middle, level] = [meanOf(points.map(({ x }) => x)), meanOf(points.map(({ y }) => y))]
  if (points.length < 3) return { at: () => level, slope: 0, slopeError: 0 }
  const slope = medianSlope(points)
  const spread = sumOf(points.map(({ x }) => (x - middle) ** 2))
  const residuals = points.map(({ x, y }) => y - level - slope * (x - middle))
  const variance = sumOf(residuals.map((off) => off ** 2)) / (points.length - 2)
  const error = Math.sqrt(variance / spread)
  const sure = slope === 0 || !withTrend ? 0 : slope * Math.max(0, 1 - (error / slope) ** 2)
  return {
    at: (day) => level + sure * (day - middle),
    slope: sure,
    slopeError: Math.hypot(error, slope - sure),
  }
}

function medianSlope(points: readonly { x: number; y: number }[]): number {
  // An array of numbers alone is sorted without asking for each pair.
  const slopes = new Float64Array((points.length * (points.length - 1)) / 2)
  let next = 0
  for (let a = 0; a < points.length; a += 1) {
    for (let b = a + 1; b < points.length; b += 1) {
      slopes[next] = (points[b]!.y - points[a]!.y) / (points[b]!.x - points[a]!.x)
      next += 1
    }
  }
  slopes.sort()
  const half = slopes.length / 2
  return (slopes[Math.floor(half)]! + slopes[Math.ceil(half) - 1]!) / 2
}

function dampedSteps(days: number): number {
  return (DAMPING * (1 - DAMPING ** days)) / (1 - DAMPING)
}

export function weightedSum(values: readonly number[], weights: readonly number[]): number {
  return values.reduce((sum, value, index) => sum + value * weights[index]!, 0)
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : sumOf(values) / values.length
}

import type { Timing } from '../../catalog/charge-types.ts'
import type { Decimal } from '../../lib/money.ts'

/** What was measured of one meter, for one combination of what it is grouped by. */
export type Reading = {
  /** Values of the dimensions; those that the meter is not grouped by, and null, may be left out. */
  group: { readonly region?: string | null; readonly feature?: string | null }
  /** Exact. Below zero counts as zero. */
  quantity: Decimal
}

/**
 * By meter. Every meter of the price must be there, also without readings: a bill without them would
 * be too low. Built in are `units`, `credits` (burned), `overage_credits` (owed beyond the balance).
 */
export type Readings = ReadonlyMap<string, readonly Reading[]>

/** Which part of a period: from when to when since its start, and how long all of it is. */
export type PartOfPeriod = {
  readonly from_ms: number
  readonly to_ms: number
  readonly whole_ms: number
}

/** What a model makes of a quantity: `amount` = `quantity` × `unitPrice` + `flat`, exactly. */
export type Step = {
  /** Units after this one … */
  from: Decimal
  /** … up to this one are meant; null: all that follow. */
  upTo: Decimal | null
  quantity: Decimal
  unitPrice: Decimal
  flat: Decimal
  amount: Decimal
}

/** Of `package` the quantity is a number of packages. */
export type StepKind = 'fee' | 'included' | 'usage' | 'package' | 'minimum' | 'maximum'

/**
 * A step as a bill explains it. Exact decimals, never rounded:
 * `amount` = (`quantity` × `unit_price` + `flat`) × `factor`.
 */
export type MathStep = {
  kind: StepKind
  /** Which part of a usage that has factors; null: all of it. */
  group: string | null
  from: string
  up_to: string | null
  quantity: string
  unit_price: string
  flat: string
  factor: string
  amount: string
}

/** A line of a bill. `amount` is what its steps add up to, rounded once, half-even. */
export type ChargeLine = {
  /** Position among the charges of the price. */
  charge: number
  description: string
  meter: string
  quantity: string
  unit: string
  /** null: not the same for all of it; see `math`. */
  unit_price: string | null
  amount: string
  timing: Timing
  /** null: for the whole period. */
  part: PartOfPeriod | null
  math: MathStep[]
}

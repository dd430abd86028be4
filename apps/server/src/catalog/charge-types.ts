import type { MeterDefinition } from './meter-schema.ts'

// A plan's charges as billing reads them. Amounts and quantities are decimal strings.

export type Timing = 'in_advance' | 'in_arrears'

/** In the order of the bill; its position here is how a line names its charge. */
export type Charge = FlatCharge | UsageCharge | PrepaidCreditsCharge

/** A fee for the period, whatever was used in it. */
export type FlatCharge = { model: 'flat'; name: string; amount: string; timing: Timing }

/** What was measured, less what is included, at the prices of a model. */
export type UsageCharge = {
  name: string
  meter: ChargeMeter
  included: string
  minimum: string | null
  maximum: string | null
  factors: ChargeFactors
} & PriceModel

export type PriceModel =
  | { model: 'per_unit'; unitPrice: string }
  | { model: 'graduated' | 'volume'; tiers: readonly Tier[] }
  | { model: 'package'; size: string; price: string }
  | { model: 'percentage'; rate: string }

/** `upTo` is the last unit in it; null: open. `flat` is due once anything falls into it. */
export type Tier = { upTo: string | null; unitPrice: string; flat: string }

/** Burned credits were paid when they were bought; those beyond the balance are owed. */
export type PrepaidCreditsCharge = {
  model: 'prepaid_credits'
  name: string
  creditPrice: string
  /** Whether burned credits are shown also when there are none. */
  alwaysShown: boolean
}

/** `definition` is null for what every account counts: units and credits. */
export type ChargeMeter = { name: string; unit: string; definition: MeterDefinition | null }

/** By value in lower case; values that are not listed have the factor 1. */
export type ChargeFactors = {
  region: ReadonlyMap<string, string>
  feature: ReadonlyMap<string, string>
}

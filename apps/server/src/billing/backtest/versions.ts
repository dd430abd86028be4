import type { OtherCatalog } from '../../catalog/other-catalog.ts'
import type { PlanTerms } from '../../catalog/types.ts'
import { changeFrom } from '../../ledger/command-from-entry.ts'
import type { Pricing } from '../../ledger/command-of.ts'
import type { StoredEntry } from '../../ledger/entry-row.ts'
import { openingFrom } from '../../ledger/open.ts'
import type { TermsOf } from '../usage/measure.ts'
import { joined, type Span } from '../usage/timeline.ts'

/** The terms of a tenant's plan versions under another catalog. */
export type OtherTerms = {
  /** The version that takes the place of one that is in force. */
  numberOf(planVersionNo: number): number
  /** By the numbers that `numberOf` gives. */
  readonly pricing: Pricing
  readonly termsOf: TermsOf
  readonly spans: readonly Span[]
  /** Plans that stay as they are, sorted: the other catalog lacks them, or has no price that fits. */
  readonly keptPlans: readonly string[]
}

/** What was agreed with a tenant. */
export type InForce = {
  /** All that its log names, also those that never came to hold. */
  readonly versions: readonly number[]
  /** From the first line on, as things stand. */
  readonly spans: readonly Span[]
  readonly termsOf: TermsOf
}

/** @param changes the lines of kind `open` and `change` */
export function versionsIn(changes: readonly StoredEntry[]): number[] {
  const named = changes.flatMap((entry) => {
    if (entry.kind === 'open') return [openingFrom(entry.tenantNo, entry).planVersionNo]
    const { planVersionNo, pending } = changeFrom(entry.detail ?? {})
    return [planVersionNo, pending?.planVersionNo]
  })
  return [...new Set(named)].filter((version) => typeof version === 'number')
}

/**
 * The plan of the same name takes the place of each version, so all versions of a plan become one.
 * @param currency in what the tenant is billed
 */
export function otherTerms(
  other: OtherCatalog,
  { versions, spans, termsOf }: InForce,
  currency: string,
): OtherTerms {
  const now = new Map(versions.map((planVersionNo) => [planVersionNo, termsOf(planVersionNo)]))
  const fits = ({ plan }: PlanTerms): boolean => {
    const terms = other.plans.get(plan)
    return terms?.prices.has(currency) === true
  }
  const kept = [...now.values()].filter((terms) => !fits(terms)).map(({ plan }) => plan)
  const instead = (terms: PlanTerms) =>
    kept.includes(terms.plan) ? terms : (other.plans.get(terms.plan) ?? terms)
  const numberOf = (planVersionNo: number) => instead(now.get(planVersionNo)!).planVersionNo
  const all = new Map<number, PlanTerms>()
  for (const terms of now.values()) all.set(instead(terms).planVersionNo, instead(terms))
  return {
    numberOf,
    pricing: { rules: other.rules, planVersion: (number) => all.get(number) ?? null },
    termsOf: (number) => all.get(number)!,
    spans: joined(spans.map((span) => ({ ...span, planVersionNo: numberOf(span.planVersionNo) }))),
    keptPlans: [...new Set(kept)].sort(),
  }
}

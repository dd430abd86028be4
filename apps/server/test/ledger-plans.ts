import { compileTerms } from '../src/catalog/compile.ts'
import { type CatalogDefinition, catalogSchema } from '../src/catalog/schema.ts'
import type { PlanTerms } from '../src/catalog/types.ts'

/** Between them they have every kind of limit, each small enough to be met in a short history. */
export const TEST_CATALOG: CatalogDefinition = catalogSchema.parse({
  catalog: 1,
  plans: {
    open: {},
    hard: {
      quota: { limit: 8, overage: 'deny' },
      rate_limits: [
        { limit: 3, per: 'second' },
        { limit: 6, per: 'minute' },
      ],
      premium: false,
      endpoints: { deny: ['docs /blocked'] },
    },
    soft: {
      counts: 'all',
      quota: { limit: 5, overage: 'charge' },
      credits: 'required',
      rate_limits: [{ limit: 5, per: 'hour' }],
    },
    prepaid: { credits: 'required' },
    tight: {
      counts: 'all',
      quota: { limit: 12, overage: 'deny' },
      credits: 'required',
      rate_limits: [
        { limit: 2, per: 'second' },
        { limit: 20, per: 'day' },
      ],
      premium: false,
      endpoints: { allow: ['docs'], deny: ['docs /blocked'] },
    },
    monthly: { credits: 'required', allowance: { credits: 10 } },
    rolling: { credits: 'required', allowance: { credits: 20, rollover_max: 30 } },
  },
})

export type TestPlan = 'open' | 'hard' | 'soft' | 'prepaid' | 'tight' | 'monthly' | 'rolling'

/** As if they were stored with numbers from 1, in the order above. */
const PLANS: readonly PlanTerms[] = Object.entries(TEST_CATALOG.plans).map(
  ([name, definition], index) => compileTerms(index + 1, name, 1, definition),
)

export function testPlan(name: TestPlan): PlanTerms {
  return PLANS.find(({ plan }) => plan === name)!
}

export function testPlanVersion(planVersionNo: number): PlanTerms {
  return PLANS[planVersionNo - 1]!
}

/** Of those that histories move between: the first ones. Allowances have tests of their own. */
export const TEST_PLANS_COUNT = PLANS.filter(({ allowance }) => allowance === null).length

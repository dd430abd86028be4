import { type EstimateReply, estimateBody, estimateReply } from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type pg from 'pg'
import type { z } from 'zod'
import type { Catalog } from '../catalog/catalog.ts'
import type { PlanTerms } from '../catalog/types.ts'
import { accountAt } from '../ledger/readings.ts'
import type { Clock } from '../lib/clock.ts'
import { parseExact } from '../lib/money.ts'
import { invalidField, ProblemError } from '../lib/problem-error.ts'
import { type EstimatedQuantities, estimatePlans, metersOf, usualCurrency } from './estimate.ts'
import type { Reading } from './pricing/types.ts'

type Asked = z.infer<typeof estimateBody>

export type EstimateDependencies = { pool: pg.Pool; catalog: Catalog; clock: Clock }

export function estimateRoute(fastify: FastifyInstance, deps: EstimateDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.post(
    '/api/billing/estimate',
    {
      config: { access: { object: 'billing', action: 'read' } },
      schema: {
        tags: ['Billing'],
        summary: 'What every plan would cost for these quantities, cheapest first',
        body: estimateBody,
        response: { 200: estimateReply },
      },
    },
    async (request): Promise<EstimateReply> => {
      const plans = await plansFor(deps, request.caller.tenant?.tenantNo ?? null)
      const currency = currencyOf(plans, request.body.currency)
      return {
        currency,
        plans: estimatePlans(plans, quantitiesOf(plans, request.body.quantities), currency),
        not_in_currency: plans
          .filter(({ prices }) => !prices.has(currency))
          .map(({ plan }) => plan)
          .sort(),
      }
    },
  )
}

/**
 * Those on offer. Tenants see what they may take by themselves and the version that they are on: what
 * others have agreed with the operator is not for them.
 */
async function plansFor(
  { pool, catalog, clock }: EstimateDependencies,
  tenantNo: number | null,
): Promise<PlanTerms[]> {
  const plans = catalog.planNames().map((plan) => catalog.latestPlan(plan)!)
  if (tenantNo === null) return plans
  const { terms } = await accountAt(pool, catalog, tenantNo, clock.now())
  return [...plans.filter(({ plan, selfService }) => selfService && plan !== terms.plan), terms]
}

/** @throws ProblemError when nothing is offered in it */
function currencyOf(plans: readonly PlanTerms[], asked: string | undefined): string {
  const currency = asked ?? usualCurrency(plans)
  if (currency !== null && plans.some(({ prices }) => prices.has(currency))) return currency
  const offered = [...new Set(plans.flatMap(({ prices }) => [...prices.keys()]))].sort()
  throw invalidField('currency', `no plan has a price in it; there are ${offered.join(', ')}`)
}

/** @throws ProblemError that names every meter that no plan has */
function quantitiesOf(
  plans: readonly PlanTerms[],
  asked: Asked['quantities'],
): EstimatedQuantities {
  const known = metersOf(plans)
  const errors = Object.keys(asked)
    .filter((meter) => !known.includes(meter))
    .map((meter) => ({
      field: `quantities.${meter}`,
      message: `no plan has this meter; there are ${known.join(', ')}`,
    }))
  if (errors.length > 0) throw new ProblemError('invalid_request', { errors })
  return new Map(Object.entries(asked).map(([meter, given]) => [meter, readingsOf(given)]))
}

// JavaScript writes numbers from a millionth up to 10^21 out, so their text is an exact decimal.
function readingsOf(given: Asked['quantities'][string]): Reading[] {
  const groups = typeof given === 'number' ? [{ quantity: given }] : given
  return groups.map(({ quantity, ...group }) => {
    return { group, quantity: parseExact(String(quantity)) }
  })
}

import {
  changePlansQuery,
  fields,
  planChangesReply,
  plansReply,
  planVersionsQuery,
  planVersionsReply,
  serviceRulesReply,
} from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { decodeCursor, page } from '../lib/cursor.ts'
import { ProblemError } from '../lib/problem-error.ts'
import type { Catalog } from './catalog.ts'
import {
  type ChangeDependencies,
  changePlans,
  changeServiceRules,
  checkKnown,
  withdrawPlan,
} from './change-catalog.ts'
import { planChangesJson, planJson, planVersionJson } from './plan-json.ts'
import { plansSchema, type ServiceDefinition, serviceRulesSchema } from './schema.ts'
import { serviceRules } from './service-rules.ts'
import { readPlanVersionsBackward } from './store.ts'
import { tenantsOnVersions } from './tenants-on-versions.ts'
import { morePlans, previewChange, withoutPlan } from './write-change.ts'

export type CatalogRouteDependencies = ChangeDependencies & {
  catalog: Catalog
  /** How many tenants are on each plan version, by its number; the accounts are another room's. */
  tenantsByPlanVersion(): Promise<ReadonlyMap<number, number>>
}

const servicePath = z.strictObject({ name: fields.name })
const planPath = z.strictObject({ name: z.string().min(1).max(64) })

export function catalogRoutes(app: FastifyInstance, deps: CatalogRouteDependencies): void {
  plansOnOffer(app, deps)
  planVersions(app, deps)
  planChanges(app, deps)
  planWithdrawal(app, deps)
  endpointRules(app, deps)
}

function plansOnOffer(fastify: FastifyInstance, { catalog }: CatalogRouteDependencies): void {
  fastify.withTypeProvider<ZodTypeProvider>().get(
    '/api/plans',
    {
      config: { access: { object: 'plans', action: 'read' } },
      schema: {
        tags: ['Plans'],
        summary: 'List the plans that people may take by themselves',
        description: 'For a price list, before anybody has signed up.',
        response: { 200: plansReply },
      },
    },
    async () => ({
      data: catalog
        .plansOnOffer()
        .filter(({ definition }) => definition.self_service)
        .map(planJson),
    }),
  )
}

function planVersions(fastify: FastifyInstance, deps: CatalogRouteDependencies): void {
  const { pool, catalog, tenantsByPlanVersion } = deps
  fastify.withTypeProvider<ZodTypeProvider>().get(
    '/api/admin/plans',
    {
      config: { access: { object: 'plan_versions', action: 'read' } },
      schema: {
        tags: ['Plans'],
        summary: 'List all versions of all plans, newest first',
        querystring: planVersionsQuery,
        response: { 200: planVersionsReply },
      },
    },
    async ({ query }) => {
      const found = await readPlanVersionsBackward(
        pool,
        decodeCursor(query.cursor),
        query.limit + 1,
      )
      const { rows, nextCursor } = page(found, query.limit, (row) => row.plan_version_no)
      const tenants = await tenantsByPlanVersion()
      const data = rows.map((row) =>
        planVersionJson(row, {
          on_offer: catalog.latestPlan(row.plan)?.planVersionNo === row.plan_version_no,
          tenants: tenants.get(row.plan_version_no) ?? 0,
        }),
      )
      return { data, next_cursor: nextCursor }
    },
  )
}

function planChanges(fastify: FastifyInstance, deps: CatalogRouteDependencies): void {
  fastify.withTypeProvider<ZodTypeProvider>().post(
    '/api/admin/plans',
    {
      config: { access: { object: 'plans', action: 'write' } },
      schema: {
        tags: ['Plans'],
        summary: 'Add plans, or a version to those whose terms differ',
        description:
          'As in a catalog file. Other plans stay on offer, and tenants on the version that they are on. The same again changes nothing.',
        querystring: changePlansQuery,
        body: plansSchema,
        response: { 200: planChangesReply },
      },
    },
    async (request) => {
      const dryRun = request.query.dry_run === 'true'
      const { plans } = request.body
      const diff = dryRun
        ? await previewChange(deps.pool, morePlans(plans))
        : await changePlans(deps, request.actor(), plans)
      if (!dryRun) await deps.catalog.refresh()
      const tenants = await tenantsOnVersions(deps.pool, await deps.tenantsByPlanVersion())
      return planChangesJson(diff, tenants, dryRun)
    },
  )
}

function planWithdrawal(fastify: FastifyInstance, deps: CatalogRouteDependencies): void {
  fastify.withTypeProvider<ZodTypeProvider>().delete(
    '/api/admin/plans/:name',
    {
      config: { access: { object: 'plans', action: 'write' } },
      schema: {
        tags: ['Plans'],
        summary: 'Withdraw a plan: nobody can take it any more',
        description:
          'Tenants stay on the version that they are on, and a change to it that is pending happens. To offer it again, add it again. One that is withdrawn already is answered with no changes.',
        params: planPath,
        querystring: changePlansQuery,
        response: { 200: planChangesReply },
      },
    },
    async (request) => {
      const { name } = request.params
      const dryRun = request.query.dry_run === 'true'
      if (dryRun) await checkKnown(deps.pool, name)
      const diff = dryRun
        ? await previewChange(deps.pool, withoutPlan(name))
        : await withdrawPlan(deps, request.actor(), name)
      if (!dryRun) await deps.catalog.refresh()
      const tenants = await tenantsOnVersions(deps.pool, await deps.tenantsByPlanVersion())
      return planChangesJson(diff, tenants, dryRun)
    },
  )
}

function endpointRules(fastify: FastifyInstance, deps: CatalogRouteDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const tags = ['Services']
  const path = '/api/admin/services/:name/rules'

  app.get(
    path,
    {
      config: { access: { object: 'services', action: 'read' } },
      schema: {
        tags,
        summary: 'Read the endpoint rules of a service',
        params: servicePath,
        response: { 200: serviceRulesReply },
      },
    },
    ({ params }) => existingRules(deps, params.name),
  )
  app.put(
    path,
    {
      config: { access: { object: 'services', action: 'write' } },
      schema: {
        tags,
        summary: 'Replace the endpoint rules of a service',
        description:
          'As in a catalog file. They hold on this node at once, on others within seconds. A catalog file that is changed and loaded replaces them again.',
        params: servicePath,
        body: serviceRulesSchema,
        response: { 200: serviceRulesReply },
      },
    },
    async (request) => {
      const { name } = request.params
      await existingRules(deps, name)
      await changeServiceRules(deps, request.actor(), name, request.body)
      await deps.catalog.refresh()
      return request.body
    },
  )
}

async function existingRules(
  { pool }: CatalogRouteDependencies,
  service: string,
): Promise<ServiceDefinition> {
  const rules = await serviceRules(pool, service)
  if (rules === null) throw new ProblemError('not_found')
  return rules
}

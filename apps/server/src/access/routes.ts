import fastifyCookie from '@fastify/cookie'
import {
  createTenantBody,
  fields,
  patchTenantBody,
  tenantReply,
  tenantsQuery,
  tenantsReply,
} from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { accountsAt } from '../ledger/readings.ts'
import { subscriptionStatus } from '../ledger/subscription.ts'
import { decodeCursor, page } from '../lib/cursor.ts'
import { numberFromMicros } from '../lib/micros.ts'
import { auditRoutes } from './audit/routes.ts'
import { tenantNotFound } from './directory.ts'
import { type MemberRouteDependencies, memberRoutes } from './members/routes.ts'
import { type ServiceDependencies, serviceRoutes } from './service-routes.ts'
import type { SignInDependencies } from './sign-in/dependencies.ts'
import { signInRoutes } from './sign-in/routes.ts'
import { signingKeyRoutes } from './signing-keys/routes.ts'
import { readTenant, readTenants, type TenantRow } from './store.ts'
import { authorOf, type TenantKeyRouteDependencies, tenantKeyRoutes } from './tenant-keys/routes.ts'
import { changeTenant, createTenant, type Tenant, type TenantDependencies } from './tenants.ts'
import { unlockRoutes } from './unlock/routes.ts'
import type { UnlockDependencies } from './unlock/unlock.ts'

export type AccessDependencies = TenantDependencies &
  TenantKeyRouteDependencies &
  ServiceDependencies &
  SignInDependencies &
  MemberRouteDependencies &
  UnlockDependencies

const tenantPath = z.strictObject({ id: fields.tenantId })

/** What operators do with tenants, keys and services. */
export function accessRoutes(fastify: FastifyInstance, deps: AccessDependencies): void {
  tenantWriting(fastify, deps)
  tenantReading(fastify, deps)
  tenantKeyRoutes(fastify, deps)
  serviceRoutes(fastify, deps)
  auditRoutes(fastify, deps)
  unlockRoutes(fastify, deps)
  signingKeyRoutes(fastify, deps)
  // By themselves, so that no other route looks for cookies.
  fastify.register(async (people) => {
    await people.register(fastifyCookie)
    signInRoutes(people, deps)
    memberRoutes(people, deps)
  })
}

function tenantWriting(fastify: FastifyInstance, deps: AccessDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const config = { access: { object: 'tenants', action: 'write' } }
  const tags = ['Tenants']

  app.post(
    '/api/admin/tenants',
    {
      config,
      schema: {
        tags,
        summary: 'Make a tenant',
        body: createTenantBody,
        response: { 201: tenantReply },
      },
    },
    async (request, reply) => {
      const tenant = await createTenant(deps, request.actor(), request.body)
      return reply.code(201).send(tenantJson(tenant))
    },
  )
  app.patch(
    '/api/admin/tenants/:id',
    {
      config,
      schema: {
        tags,
        summary: 'Change a tenant',
        description: 'Plan, status, time zone and region hold from the next call on.',
        params: tenantPath,
        body: patchTenantBody,
        response: { 200: tenantReply },
      },
    },
    async (request) => {
      const { params, body } = request
      return tenantJson(await changeTenant(deps, authorOf(request), params.id, body))
    },
  )
}

function tenantReading(fastify: FastifyInstance, deps: AccessDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const { pool, catalog, clock } = deps
  const config = { access: { object: 'tenants', action: 'read' } }
  const tags = ['Tenants']

  app.get(
    '/api/admin/tenants',
    {
      config,
      schema: {
        tags,
        summary: 'List tenants, oldest first',
        querystring: tenantsQuery,
        response: { 200: tenantsReply },
      },
    },
    async ({ query }) => {
      const found = await readTenants(pool, decodeCursor(query.cursor) ?? 0, query.limit + 1)
      const { rows, nextCursor } = page(found, query.limit, (row) => row.tenant_no)
      const numbers = rows.map((row) => row.tenant_no)
      const accounts = await accountsAt(pool, catalog, numbers, clock.now())
      const data = rows.map((row) => tenantJson({ row, ...accounts.get(row.tenant_no)! }))
      return { data, next_cursor: nextCursor }
    },
  )
  app.get(
    '/api/admin/tenants/:id',
    {
      config,
      schema: {
        tags,
        summary: 'Read a tenant',
        params: tenantPath,
        response: { 200: tenantReply },
      },
    },
    async ({ params }) => {
      const row = await existingTenant(deps, params.id)
      const accounts = await accountsAt(pool, catalog, [row.tenant_no], clock.now())
      return tenantJson({ row, ...accounts.get(row.tenant_no)! })
    },
  )
}

async function existingTenant(deps: AccessDependencies, tenantId: string): Promise<TenantRow> {
  const row = await readTenant(deps.pool, tenantId)
  if (row === null) throw tenantNotFound()
  return row
}

function tenantJson({ row, account, terms, now }: Tenant): z.infer<typeof tenantReply> {
  return {
    tenant_id: row.tenant_id,
    name: row.name,
    email: row.email,
    plan: terms.plan,
    plan_version: terms.version,
    status: account.status,
    subscription: subscriptionStatus(account, now),
    test_clock: account.testClock === null ? null : instant(account.testClock),
    time_zone: account.timeZone,
    region: account.region,
    created_at: instant(row.created_at),
    balance: numberFromMicros(account.balance),
    seq: account.lastSeq,
  }
}

function instant(ms: number): string {
  return new Date(ms).toISOString()
}

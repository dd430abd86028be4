import {
  createKeyReply,
  createServiceBody,
  createServiceReply,
  createTenantBody,
  fields,
  keysReply,
  patchTenantBody,
  servicesReply,
  tenantReply,
  tenantsQuery,
  tenantsReply,
} from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type pg from 'pg'
import { z } from 'zod'
import { accountsAt } from '../ledger/readings.ts'
import { decodeCursor, page } from '../lib/cursor.ts'
import { numberFromMicros } from '../lib/micros.ts'
import { ProblemError } from '../lib/problem-error.ts'
import { type Directory, tenantNotFound } from './directory.ts'
import { issueKey, revokeIssuedKey } from './keys.ts'
import { registerService } from './services.ts'
import {
  type KeyListRow,
  readService,
  readServiceKeys,
  readServices,
  readTenant,
  readTenantKeys,
  readTenants,
  type ServiceRow,
  type TenantRow,
} from './store.ts'
import { changeTenant, createTenant, type Tenant, type TenantDependencies } from './tenants.ts'

export type AccessDependencies = TenantDependencies & { directory: Directory }

const tenantPath = z.strictObject({ id: fields.tenantId })
const servicePath = z.strictObject({ name: z.string().min(1).max(100) })
const keyPath = z.strictObject({ id: z.string().min(1).max(64) })

/** What operators do with tenants, keys and services. */
export function accessRoutes(fastify: FastifyInstance, deps: AccessDependencies): void {
  tenantWriting(fastify, deps)
  tenantReading(fastify, deps)
  keyRoutes(fastify, deps)
  serviceKeyRoutes(fastify, deps)
  serviceRoutes(fastify, deps)
}

function tenantWriting(fastify: FastifyInstance, deps: AccessDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const config = { allow: ['operator'] } as const
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
      const tenant = await createTenant(deps, request.body)
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
    async ({ params, body, caller }) =>
      tenantJson(await changeTenant(deps, caller.keyNo, params.id, body)),
  )
}

function tenantReading(fastify: FastifyInstance, deps: AccessDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const { pool, catalog, clock } = deps
  const config = { allow: ['operator'] } as const
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

function keyRoutes(fastify: FastifyInstance, deps: AccessDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const { pool, directory } = deps
  const config = { allow: ['operator'] } as const
  const tags = ['Keys']

  app.post(
    '/api/admin/tenants/:id/keys',
    {
      config,
      schema: {
        tags,
        summary: 'Make a key of a tenant',
        params: tenantPath,
        response: { 201: createKeyReply },
      },
    },
    async ({ params }, reply) => {
      const { tenant_no } = await existingTenant(deps, params.id)
      const { key, keyId } = await issueKey(pool, 'tenant', { tenantNo: tenant_no })
      return reply.code(201).send({ key_id: keyId, key })
    },
  )
  app.get(
    '/api/admin/tenants/:id/keys',
    {
      config,
      schema: {
        tags,
        summary: "List a tenant's keys",
        params: tenantPath,
        response: { 200: keysReply },
      },
    },
    async ({ params }) => {
      const { tenant_no } = await existingTenant(deps, params.id)
      return { data: (await readTenantKeys(pool, tenant_no)).map(keyJson) }
    },
  )
  app.delete(
    '/api/admin/keys/:id',
    {
      config,
      schema: {
        tags,
        summary: 'Revoke a key of a tenant or service',
        params: keyPath,
        response: { 204: z.null().describe('Revoked') },
      },
    },
    async ({ params }, reply) => {
      await revokeIssuedKey(pool, directory, params.id)
      return reply.code(204).send(null)
    },
  )
}

function serviceKeyRoutes(fastify: FastifyInstance, { pool }: AccessDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const config = { allow: ['operator'] } as const
  const tags = ['Keys']

  app.post(
    '/api/admin/services/:name/keys',
    {
      config,
      schema: {
        tags,
        summary: 'Make one more key of a service',
        description:
          'To replace one that was lost or became known: make, spread, revoke the other.',
        params: servicePath,
        response: { 201: createKeyReply },
      },
    },
    async ({ params }, reply) => {
      const { service_no } = await existingService(pool, params.name)
      const { key, keyId } = await issueKey(pool, 'service', { serviceNo: service_no })
      return reply.code(201).send({ key_id: keyId, key })
    },
  )
  app.get(
    '/api/admin/services/:name/keys',
    {
      config,
      schema: {
        tags,
        summary: "List a service's keys",
        params: servicePath,
        response: { 200: keysReply },
      },
    },
    async ({ params }) => {
      const { service_no } = await existingService(pool, params.name)
      return { data: (await readServiceKeys(pool, service_no)).map(keyJson) }
    },
  )
}

function serviceRoutes(fastify: FastifyInstance, deps: AccessDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const config = { allow: ['operator'] } as const
  const tags = ['Services']

  app.post(
    '/api/admin/services',
    {
      config,
      schema: {
        tags,
        summary: 'Register a service and make its key',
        body: createServiceBody,
        response: { 201: createServiceReply },
      },
    },
    async ({ body }, reply) => {
      const wanted = { name: body.name, trustReported: body.trust_reported ?? true }
      const { service, key, keyId } = await registerService(deps, wanted)
      return reply.code(201).send({ ...serviceJson(service), key_id: keyId, key })
    },
  )
  app.get(
    '/api/admin/services',
    { config, schema: { tags, summary: 'List services', response: { 200: servicesReply } } },
    async () => ({ data: (await readServices(deps.pool)).map(serviceJson) }),
  )
}

async function existingTenant(deps: AccessDependencies, tenantId: string): Promise<TenantRow> {
  const row = await readTenant(deps.pool, tenantId)
  if (row === null) throw tenantNotFound()
  return row
}

function tenantJson({ row, account, terms }: Tenant): z.infer<typeof tenantReply> {
  return {
    tenant_id: row.tenant_id,
    name: row.name,
    email: row.email,
    plan: terms.plan,
    plan_version: terms.version,
    status: account.status,
    time_zone: account.timeZone,
    region: account.region,
    created_at: instant(row.created_at),
    balance: numberFromMicros(account.balance),
    seq: account.lastSeq,
  }
}

async function existingService(pool: pg.Pool, name: string): Promise<ServiceRow> {
  const row = await readService(pool, name)
  if (row === null) throw new ProblemError('not_found')
  return row
}

function keyJson(row: KeyListRow) {
  return {
    key_id: row.key_id,
    hint: row.hint,
    created_at: instant(row.created_at),
    revoked_at: row.revoked_at === null ? null : instant(row.revoked_at),
  }
}

function serviceJson(row: ServiceRow) {
  return {
    name: row.name,
    trust_reported: row.trust_reported,
    created_at: instant(row.created_at),
  }
}

function instant(ms: number): string {
  return new Date(ms).toISOString()
}

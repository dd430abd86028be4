import {
  createKeyReply,
  createServiceBody,
  createServiceReply,
  serviceKeysReply,
  servicesReply,
} from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type pg from 'pg'
import { z } from 'zod'
import type { Catalog } from '../catalog/catalog.ts'
import { ProblemError } from '../lib/problem-error.ts'
import { makeServiceKey, registerService, revokeServiceKey } from './services.ts'
import {
  readService,
  readServiceKeys,
  readServices,
  type ServiceKeyRow,
  type ServiceRow,
} from './store.ts'
import { authorOf } from './tenant-keys/routes.ts'
import { readKeyOwner } from './tenant-keys/store.ts'
import { endTenantKey, type TenantKeyDependencies } from './tenant-keys/tenant-keys.ts'

export type ServiceDependencies = TenantKeyDependencies & { catalog: Catalog }

const servicePath = z.strictObject({ name: z.string().min(1).max(100) })
const keyPath = z.strictObject({ id: z.string().min(1).max(64) })

const reading = { access: { object: 'services', action: 'read' } }
const writing = { access: { object: 'services', action: 'write' } }

/** What operators do with services, their keys, and any key that must go. */
export function serviceRoutes(app: FastifyInstance, deps: ServiceDependencies): void {
  services(app, deps)
  serviceKeys(app, deps)
  revocation(app, deps)
}

function serviceKeys(fastify: FastifyInstance, deps: ServiceDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const tags = ['Keys']

  app.post(
    '/api/admin/services/:name/keys',
    {
      config: writing,
      schema: {
        tags,
        summary: 'Make one more key of a service',
        description:
          'To replace one that was lost or became known: make, spread, revoke the other.',
        params: servicePath,
        response: { 201: createKeyReply },
      },
    },
    async (request, reply) => {
      const service = await existingService(deps.pool, request.params.name)
      const { key, keyId } = await makeServiceKey(deps, request.actor(), service)
      return reply.code(201).send({ key_id: keyId, key })
    },
  )
  app.get(
    '/api/admin/services/:name/keys',
    {
      config: reading,
      schema: {
        tags,
        summary: "List a service's keys",
        params: servicePath,
        response: { 200: serviceKeysReply },
      },
    },
    async ({ params }) => {
      const { service_no } = await existingService(deps.pool, params.name)
      return { data: (await readServiceKeys(deps.pool, service_no)).map(keyJson) }
    },
  )
}

function services(fastify: FastifyInstance, deps: ServiceDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const tags = ['Services']

  app.post(
    '/api/admin/services',
    {
      config: writing,
      schema: {
        tags,
        summary: 'Register a service and make its key',
        body: createServiceBody,
        response: { 201: createServiceReply },
      },
    },
    async (request, reply) => {
      const { body } = request
      const wanted = { name: body.name, trustReported: body.trust_reported ?? true }
      const { service, key, keyId } = await registerService(deps, request.actor(), wanted)
      return reply.code(201).send({ ...serviceJson(service), key_id: keyId, key })
    },
  )
  app.get(
    '/api/admin/services',
    {
      config: reading,
      schema: { tags, summary: 'List services', response: { 200: servicesReply } },
    },
    async () => ({ data: (await readServices(deps.pool)).map(serviceJson) }),
  )
}

function revocation(fastify: FastifyInstance, deps: ServiceDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()

  app.delete(
    '/api/admin/keys/:id',
    {
      config: { access: { object: 'tenants', action: 'write' } },
      schema: {
        tags: ['Keys'],
        summary: 'Revoke a key of a tenant or service',
        params: keyPath,
        response: { 204: z.null().describe('Revoked') },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const owner = await readKeyOwner(deps.pool, id)
      if (owner === null) throw new ProblemError('not_found')
      const { tenant_no: tenantNo } = owner
      if (tenantNo === null) await revokeServiceKey(deps, request.actor(), id)
      else await endTenantKey(deps, authorOf(request), { tenantNo, keyId: id })
      return reply.code(204).send(null)
    },
  )
}

async function existingService(pool: pg.Pool, name: string): Promise<ServiceRow> {
  const row = await readService(pool, name)
  if (row === null) throw new ProblemError('not_found')
  return row
}

function keyJson(row: ServiceKeyRow) {
  return {
    key_id: row.key_id,
    hint: row.hint,
    created_at: instant(row.created_at),
    revoked_at: row.revoked_at === null ? null : instant(row.revoked_at),
    last_used_at: row.last_used_at === null ? null : instant(row.last_used_at),
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

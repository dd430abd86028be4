import {
  createKeyReply,
  fields,
  type KeyScope,
  keyBody,
  keyReply,
  keysQuery,
  keysReply,
  operatorKeyBody,
  patchKeyBody,
  rotateKeyBody,
  rotateKeyReply,
} from '@tollgate/contract'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Catalog } from '../../catalog/catalog.ts'
import { type KeyLimitState, keyLimitsAt } from '../../ledger/key-limits.ts'
import { decodeCursor, page } from '../../lib/cursor.ts'
import { numberFromMicros } from '../../lib/micros.ts'
import type { Policy } from '../policy/policy.ts'
import { scopesWithin } from './scopes.ts'
import { readTenantKeys, type TenantKeyRow } from './store.ts'
import {
  type Author,
  changeTenantKey,
  endTenantKey,
  makeTenantKey,
  rotateTenantKey,
  type TenantKeyDependencies,
} from './tenant-keys.ts'

export type TenantKeyRouteDependencies = TenantKeyDependencies & {
  catalog: Catalog
  policy: Policy
}

const keyPath = z.strictObject({ id: z.string().min(1).max(64) })
const tenantPath = z.strictObject({ id: fields.tenantId })
const tenantKeyPath = z.strictObject({
  id: fields.tenantId,
  key_id: z.string().min(1).max(64),
})

/** A tenant's own keys, and the same for operators, who name the tenant. */
export function tenantKeyRoutes(app: FastifyInstance, deps: TenantKeyRouteDependencies): void {
  ownKeys(app, deps)
  ownKeyChanges(app, deps)
  keysForOperators(app, deps)
  keyChangesForOperators(app, deps)
}

const tags = ['Keys']
const reading = { access: { object: 'keys', action: 'read' } }
const writing = { access: { object: 'keys', action: 'write' } }

function ownKeys(fastify: FastifyInstance, deps: TenantKeyRouteDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()

  app.post(
    '/api/keys',
    {
      config: writing,
      schema: {
        tags,
        summary: 'Make a key',
        description: 'Its scopes can allow no more than its maker may do.',
        body: keyBody,
        response: { 201: createKeyReply },
      },
    },
    async (request, reply) => {
      const { key, keyId } = await makeTenantKey(
        deps,
        authorOf(request),
        await request.tenantNo(undefined),
        request.body,
        scopesWithin(deps.policy, request.caller),
      )
      return reply.code(201).send({ key_id: keyId, key })
    },
  )
  app.get(
    '/api/keys',
    {
      config: reading,
      schema: {
        tags,
        summary: 'List keys, oldest first',
        querystring: keysQuery,
        response: { 200: keysReply },
      },
    },
    async (request) => listKeys(deps, await request.tenantNo(undefined), request.query),
  )
}

function ownKeyChanges(fastify: FastifyInstance, deps: TenantKeyRouteDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const keyOf = async (request: FastifyRequest, keyId: string) => ({
    tenantNo: await request.tenantNo(undefined),
    keyId,
  })

  app.patch(
    '/api/keys/:id',
    {
      config: writing,
      schema: {
        tags,
        summary: 'Change a key',
        params: keyPath,
        body: patchKeyBody,
        response: { 200: keyReply },
      },
    },
    async (request) => {
      const key = await keyOf(request, request.params.id)
      const check = scopesWithin(deps.policy, request.caller)
      const row = await changeTenantKey(deps, authorOf(request), key, request.body, check)
      return keyJson(row, await limitsOf(deps, key.tenantNo))
    },
  )
  app.post(
    '/api/keys/:id/rotate',
    {
      config: writing,
      schema: {
        tags,
        summary: 'Give a key a new secret',
        description: 'The key keeps its id, scopes, limit and usage.',
        params: keyPath,
        body: rotateKeyBody,
        response: { 200: rotateKeyReply },
      },
    },
    async (request) => {
      const key = await keyOf(request, request.params.id)
      return rotate(deps, request, key, request.body?.overlap_seconds)
    },
  )
  app.delete(
    '/api/keys/:id',
    {
      config: writing,
      schema: {
        tags,
        summary: 'Revoke a key',
        params: keyPath,
        response: { 204: z.null().describe('Revoked') },
      },
    },
    async (request, reply) => {
      await endTenantKey(deps, authorOf(request), await keyOf(request, request.params.id))
      return reply.code(204).send(null)
    },
  )
}

const readingTenants = { access: { object: 'tenants', action: 'read' } }
const writingTenants = { access: { object: 'tenants', action: 'write' } }

function keysForOperators(fastify: FastifyInstance, deps: TenantKeyRouteDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()

  app.post(
    '/api/admin/tenants/:id/keys',
    {
      config: writingTenants,
      schema: {
        tags,
        summary: 'Make a key of a tenant',
        params: tenantPath,
        body: operatorKeyBody,
        response: { 201: createKeyReply },
      },
    },
    async (request, reply) => {
      const { key, keyId } = await makeTenantKey(
        deps,
        authorOf(request),
        await request.tenantNo(request.params.id),
        request.body ?? {},
        scopesWithin(deps.policy, request.caller),
      )
      return reply.code(201).send({ key_id: keyId, key })
    },
  )
  app.get(
    '/api/admin/tenants/:id/keys',
    {
      config: readingTenants,
      schema: {
        tags,
        summary: "List a tenant's keys, oldest first",
        params: tenantPath,
        querystring: keysQuery,
        response: { 200: keysReply },
      },
    },
    async (request) => listKeys(deps, await request.tenantNo(request.params.id), request.query),
  )
}

function keyChangesForOperators(fastify: FastifyInstance, deps: TenantKeyRouteDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const keyOf = async (request: FastifyRequest, path: z.infer<typeof tenantKeyPath>) => ({
    tenantNo: await request.tenantNo(path.id),
    keyId: path.key_id,
  })

  app.patch(
    '/api/admin/tenants/:id/keys/:key_id',
    {
      config: writingTenants,
      schema: {
        tags,
        summary: "Change a tenant's key",
        params: tenantKeyPath,
        body: patchKeyBody,
        response: { 200: keyReply },
      },
    },
    async (request) => {
      const key = await keyOf(request, request.params)
      const check = scopesWithin(deps.policy, request.caller)
      const row = await changeTenantKey(deps, authorOf(request), key, request.body, check)
      return keyJson(row, await limitsOf(deps, key.tenantNo))
    },
  )
  app.post(
    '/api/admin/tenants/:id/keys/:key_id/rotate',
    {
      config: writingTenants,
      schema: {
        tags,
        summary: "Give a tenant's key a new secret",
        params: tenantKeyPath,
        body: rotateKeyBody,
        response: { 200: rotateKeyReply },
      },
    },
    async (request) => {
      const key = await keyOf(request, request.params)
      return rotate(deps, request, key, request.body?.overlap_seconds)
    },
  )
}

export function authorOf(request: FastifyRequest): Author {
  return { actor: request.actor(), senderNo: request.caller.senderNo }
}

async function rotate(
  deps: TenantKeyRouteDependencies,
  request: FastifyRequest,
  key: { tenantNo: number; keyId: string },
  overlapSeconds: number | undefined,
): Promise<z.infer<typeof rotateKeyReply>> {
  const check = scopesWithin(deps.policy, request.caller)
  const made = await rotateTenantKey(deps, authorOf(request), key, check, overlapSeconds)
  return { key_id: made.keyId, key: made.key, old_secret_until: instant(made.oldUntil) }
}

async function listKeys(
  deps: TenantKeyRouteDependencies,
  tenantNo: number,
  query: z.infer<typeof keysQuery>,
): Promise<z.infer<typeof keysReply>> {
  const after = decodeCursor(query.cursor) ?? 0
  const found = await readTenantKeys(deps.pool, tenantNo, after, query.limit + 1)
  const { rows, nextCursor } = page(found, query.limit, ({ key_no }) => key_no)
  const limits = await limitsOf(deps, tenantNo)
  return { data: rows.map((row) => keyJson(row, limits)), next_cursor: nextCursor }
}

async function limitsOf(
  { pool, catalog, clock }: TenantKeyRouteDependencies,
  tenantNo: number,
): Promise<Map<number, KeyLimitState>> {
  const limits = await keyLimitsAt(pool, catalog, tenantNo, clock.now())
  return new Map(limits.map((limit) => [limit.keyNo, limit]))
}

function keyJson(
  row: TenantKeyRow,
  limits: ReadonlyMap<number, KeyLimitState>,
): z.infer<typeof keyReply> {
  const limit = limits.get(row.key_no)
  return {
    key_id: row.key_id,
    hint: row.hint,
    name: row.name,
    team: row.team,
    scopes: row.scopes as KeyScope[],
    created_at: instant(row.created_at),
    expires_at: instantOrNull(row.expires_at),
    revoked_at: instantOrNull(row.revoked_at),
    last_used_at: instantOrNull(row.last_used_at),
    old_secret_until: instantOrNull(row.old_key_until),
    calls:
      limit === undefined
        ? null
        : { limit: numberFromMicros(limit.limit), used: numberFromMicros(limit.used) },
  }
}

function instantOrNull(ms: number | null): string | null {
  return ms === null ? null : instant(ms)
}

function instant(ms: number): string {
  return new Date(ms).toISOString()
}

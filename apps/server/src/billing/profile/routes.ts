import {
  billingProfileBody,
  billingProfileReply,
  billingTermsBody,
  discountBody,
  discountReply,
  discountsReply,
  fields,
  tenantQuery,
} from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { billingProfile, changeProfile, type ProfileDependencies } from './change-profile.ts'
import { discountJson, giveDiscount, takeDiscountAway } from './discounts.ts'
import { readDiscounts } from './store.ts'

const tags = ['Billing']
const tenantPath = z.strictObject({ id: fields.tenantId })
const discountPath = z.strictObject({
  id: fields.tenantId,
  discount_id: z.string().min(1).max(64),
})

export function profileRoutes(fastify: FastifyInstance, deps: ProfileDependencies): void {
  ownProfileRoutes(fastify, deps)
  termsRoute(fastify, deps)
  discountRoutes(fastify, deps)
}

function ownProfileRoutes(fastify: FastifyInstance, deps: ProfileDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/api/billing/profile',
    {
      config: { access: { object: 'billing', action: 'read' } },
      schema: {
        tags,
        summary: 'Who is billed, and how',
        querystring: tenantQuery,
        response: { 200: billingProfileReply },
      },
    },
    async (request) =>
      billingProfile(deps.pool, deps, await request.tenantNo(request.query.tenant_id)),
  )
  app.put(
    '/api/billing/profile',
    {
      config: { access: { object: 'billing_profile', action: 'write' } },
      schema: {
        tags,
        summary: 'Say who is billed',
        description:
          'From the next invoice on; what was issued keeps what it had. What is left out stays as it is.',
        querystring: tenantQuery,
        body: billingProfileBody,
        response: { 200: billingProfileReply },
      },
    },
    async (request) => {
      const tenantNo = await request.tenantNo(request.query.tenant_id)
      return changeProfile(deps, request.actor(), tenantNo, request.body)
    },
  )
}

function termsRoute(fastify: FastifyInstance, deps: ProfileDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.put(
    '/api/admin/tenants/:id/billing',
    {
      config: { access: { object: 'billing_terms', action: 'write' } },
      schema: {
        tags,
        summary: 'Say how a tenant is billed',
        description:
          'From the next invoice on: tax, currency, minimum commitment, and who is billed. What is left out stays as it is.',
        params: tenantPath,
        body: billingTermsBody,
        response: { 200: billingProfileReply },
      },
    },
    async (request) => {
      const tenantNo = await request.tenantNo(request.params.id)
      return changeProfile(deps, request.actor(), tenantNo, request.body)
    },
  )
}

function discountRoutes(fastify: FastifyInstance, deps: ProfileDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const write = { access: { object: 'discounts', action: 'write' } }
  app.post(
    '/api/admin/tenants/:id/discounts',
    {
      config: write,
      schema: {
        tags,
        summary: 'Give a discount',
        params: tenantPath,
        body: discountBody,
        response: { 201: discountReply },
      },
    },
    async (request, reply) => {
      const tenantNo = await request.tenantNo(request.params.id)
      const given = await giveDiscount(deps, request.actor(), tenantNo, request.body)
      return reply.code(201).send(given)
    },
  )
  app.get(
    '/api/admin/tenants/:id/discounts',
    {
      config: { access: { object: 'discounts', action: 'read' } },
      schema: {
        tags,
        summary: 'Discounts that still take something off, oldest first',
        params: tenantPath,
        response: { 200: discountsReply },
      },
    },
    async (request) => {
      const tenantNo = await request.tenantNo(request.params.id)
      return { data: (await readDiscounts(deps.pool, tenantNo)).map(discountJson) }
    },
  )
  app.delete(
    '/api/admin/tenants/:id/discounts/:discount_id',
    {
      config: write,
      schema: {
        tags,
        summary: 'End a discount',
        params: discountPath,
        response: { 204: z.null().describe('No invoice takes from it any more') },
      },
    },
    async (request, reply) => {
      const { id, discount_id } = request.params
      const tenantNo = await request.tenantNo(id)
      await takeDiscountAway(deps, request.actor(), tenantNo, discount_id)
      return reply.code(204).send(null)
    },
  )
}

import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { problem } from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Policy } from '../access/policy/policy.ts'
import { CSP_OF_DOCUMENTATION } from './browser-headers.ts'
import { readableDocument } from './openapi-document.ts'

/** To read the contract and try it. */
export const DOCUMENTATION = { object: 'documentation', action: 'read' }
const PROBLEM_RESPONSE = {
  description: 'A problem (RFC 9457)',
  content: { 'application/problem+json': { schema: problem } },
}

const TAGS = [
  { name: 'Sign-in', description: 'How people come in, stay in and go out' },
  { name: 'Events', description: 'Metered calls: ask first, or report afterwards' },
  { name: 'Holds', description: 'Credits set aside for work whose cost is not known yet' },
  { name: 'Usage', description: 'What a tenant has used and has left' },
  { name: 'Billing', description: 'What it costs' },
  { name: 'Plans', description: 'What is on offer, and what it was' },
  { name: 'Tenants', description: 'For operators' },
  { name: 'Keys', description: 'For operators' },
  { name: 'Services', description: 'For operators: the API projects that report' },
  { name: 'Audit', description: 'Who changed what' },
  { name: 'System', description: 'Alive, ready, metrics' },
]

/** `GET /openapi.json` and `GET /docs`, from the routes' own schemas. */
export async function documentApi(app: FastifyInstance, policy: Policy): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Tollgate',
        description:
          'Meters, controls and bills API calls. Errors are RFC 9457 problems with a stable `code`; pages are `?limit=&cursor=`.',
        version: '0.1.0',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: TAGS,
      components: {
        securitySchemes: {
          key: {
            type: 'http',
            scheme: 'bearer',
            description: 'A key (tg_live_…, tg_svc_…, tg_op_…) or an access token',
          },
        },
      },
    },
    transform: (document) => {
      const { schema, route } = document
      if (schema === undefined || schema.hide === true) return jsonSchemaTransform(document)
      const access = route.config!.access!
      const response = { ...(schema.response as object), default: PROBLEM_RESPONSE }
      return jsonSchemaTransform({
        ...document,
        schema: {
          ...schema,
          response,
          security: policy.isPublic(access) ? [] : [{ key: [] }],
          'x-access': `${access.object}:${access.action}`,
        },
      })
    },
    transformObject: (document) => readableDocument(jsonSchemaTransformObject(document)),
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: CSP_OF_DOCUMENTATION,
    theme: {
      title: 'Tollgate API',
      css: [{ filename: 'tollgate.css', content: '.swagger-ui .topbar { display: none }' }],
    },
  })
  app.get(
    '/openapi.json',
    {
      config: { access: DOCUMENTATION, anyQuery: true },
      schema: {
        tags: ['System'],
        summary: 'This description',
        response: { 200: z.record(z.string(), z.unknown()) },
      },
    },
    async () => app.swagger(),
  )
}

import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { problem } from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readableDocument } from './openapi-document.ts'

const PROBLEM_RESPONSE = {
  description: 'A problem (RFC 9457)',
  content: { 'application/problem+json': { schema: problem } },
}

/** `GET /openapi.json` and `GET /docs`, from the routes' own schemas. */
export async function documentApi(app: FastifyInstance): Promise<void> {
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
      tags: [
        { name: 'Events', description: 'Metered calls: ask first, or report afterwards' },
        { name: 'Holds', description: 'Credits set aside for work whose cost is not known yet' },
        { name: 'Usage', description: 'What a tenant has used and has left' },
        { name: 'Billing', description: 'What it costs' },
        { name: 'Tenants', description: 'For operators' },
        { name: 'Keys', description: 'For operators' },
        { name: 'Services', description: 'For operators: the API projects that report' },
        { name: 'System', description: 'Alive, ready, metrics' },
      ],
      components: {
        securitySchemes: {
          key: {
            type: 'http',
            scheme: 'bearer',
            description: 'A key: tg_live_…, tg_svc_… or tg_op_…',
          },
        },
      },
    },
    transform: (document) => {
      const { schema, route } = document
      if (schema === undefined || schema.hide === true) return jsonSchemaTransform(document)
      const isPublic = route.config?.allow === 'everyone'
      const response = { ...(schema.response as object), default: PROBLEM_RESPONSE }
      return jsonSchemaTransform({
        ...document,
        schema: { ...schema, response, security: isPublic ? [] : [{ key: [] }] },
      })
    },
    transformObject: (document) => readableDocument(jsonSchemaTransformObject(document)),
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: {
      title: 'Tollgate API',
      css: [{ filename: 'tollgate.css', content: '.swagger-ui .topbar { display: none }' }],
    },
  })
  app.get(
    '/openapi.json',
    {
      config: { allow: 'everyone' },
      schema: {
        tags: ['System'],
        summary: 'This description',
        response: { 200: z.record(z.string(), z.unknown()) },
      },
    },
    async () => app.swagger(),
  )
}

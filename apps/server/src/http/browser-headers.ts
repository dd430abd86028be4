import cors from '@fastify/cors'
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import fastify, { type FastifyInstance } from 'fastify'
import type { Settings } from '../lib/settings.ts'
import { CORS_PREFLIGHT_SECONDS, HSTS_SECONDS } from '../limits.ts'

/** What `/docs` needs beyond nothing: its own files, and the styles that its script writes. */
export const CSP_OF_DOCUMENTATION = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self' 'unsafe-inline'",
  'img-src': "'self' data:",
  'font-src': "'self'",
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
}

/**
 * What tells browsers what they may do with a reply: the same for all, so that helmet is asked once
 * and not for each request, which would take as long as all else that the framework does.
 */
export async function constantHeaders(settings: Settings): Promise<Record<string, string>> {
  const once = fastify()
  await once.register(helmet, helmetOptions(settings))
  once.get('/', (_request, reply) => reply.code(204).send())
  const { headers } = await once.inject('/')
  const { date: _date, connection: _connection, ...constant } = headers
  return {
    ...(constant as Record<string, string>),
    'cache-control': 'no-store',
    // Those of allowed origins differ, and no cache should take one for another.
    ...(settings.corsOrigins.length > 0 ? { vary: 'Origin' } : {}),
  }
}

function helmetOptions(settings: Settings): FastifyHelmetOptions {
  return {
    // A reply of an API is data: nothing in it is to be run, shown in a frame or loaded by others.
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    strictTransportSecurity: isHttps(settings) && { maxAge: HSTS_SECONDS },
    // Says what frame-ancestors says, to browsers of long ago; the others below are about pages.
    xFrameOptions: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
  }
}

function isHttps({ publicUrl }: Settings): boolean {
  return publicUrl?.startsWith('https:') === true
}

/** Nothing is said to pages of other origins than these, and to these never more than that they are meant. */
export async function allowOrigins(app: FastifyInstance, { corsOrigins }: Settings): Promise<void> {
  if (corsOrigins.length === 0) return
  const allowed = new Set(corsOrigins)
  await app.register(cors, {
    delegator: ({ headers: { origin } }, done) => {
      if (origin === undefined || !allowed.has(origin)) return done(null, { origin: false })
      done(null, {
        origin,
        credentials: true,
        methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
        allowedHeaders: [
          'authorization',
          'content-type',
          'if-none-match',
          'last-event-id',
          'x-request-id',
        ],
        exposedHeaders: [
          'content-disposition',
          'etag',
          'ratelimit',
          'ratelimit-policy',
          'retry-after',
          'x-export-through',
          'x-request-id',
        ],
        maxAge: CORS_PREFLIGHT_SECONDS,
      })
    },
  })
}

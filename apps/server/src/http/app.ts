import http, { type RequestListener, type Server } from 'node:http'
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from 'fastify'
import type { Logger } from 'pino'
import type { z } from 'zod'
import type { Directory } from '../access/directory.ts'
import { keyIdsOf } from '../access/keys.ts'
import { type AccessDependencies, accessRoutes } from '../access/routes.ts'
import { analyticsRoutes } from '../analytics/routes.ts'
import { billingRoutes } from '../billing/routes.ts'
import { ledgerRoutes } from '../ledger/routes.ts'
import { trackRoutes } from '../ledger/track-routes.ts'
import '../lib/caller.ts'
import { ProblemError } from '../lib/problem-error.ts'
import { fieldErrors } from '../lib/zod-errors.ts'
import {
  BODY_BYTES_MAX,
  HEADERS_MS_MAX,
  IDLE_CONNECTION_MS_MAX,
  PATH_PARAMETER_CHARS_MAX,
  REQUEST_MS_MAX,
} from '../limits.ts'
import { answerBrokenRequest } from './broken-request.ts'
import { documentApi } from './documentation.ts'
import { checkText, parseJsonBody } from './json-body.ts'
import { batchProblem, sendProblem } from './problems.ts'
import { requestIdOf } from './request-id.ts'
import { type SystemDependencies, systemRoutes } from './system-routes.ts'
import { trackDoor } from './track-door.ts'

export type AppDependencies = AccessDependencies & SystemDependencies & { log: Logger }

/** The HTTP door: every route with who may use it, one way for bodies, errors and ids. */
export async function buildApp(deps: AppDependencies): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify({
    loggerInstance: deps.log as FastifyBaseLogger,
    // A line per call would cost more than the call; what goes wrong is logged in `sendProblem`.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: 'idle',
    // Said as a problem, by `refuseWhileStopping`.
    return503OnClosing: false,
    genReqId: ({ headers }) => requestIdOf(headers),
    // A logger per request would be made for requests that log nothing; `sendProblem` says the id itself.
    childLoggerFactory: (log) => log,
    clientErrorHandler: answerBrokenRequest,
    // A path that cannot be decoded meets no route, so no hook and no error handler either.
    frameworkErrors: sendProblem,
    routerOptions: { maxParamLength: PATH_PARAMETER_CHARS_MAX },
    serverFactory: (framework) => createServer(deps, framework as RequestListener),
  })
  refuseWhileStopping(app, deps.isStopping)
  acceptJson(app)
  checkInput(app)
  authorise(app, deps.directory)
  app.setErrorHandler(sendProblem)
  app.setNotFoundHandler((request, reply) => {
    sendProblem(new ProblemError('not_found'), request, reply)
  })
  // A response is what its route made; that it fits the contract is shown by tests, not paid for per request.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.addHook('onSend', (request, reply, _payload, done) => {
    reply.header('x-request-id', request.id)
    done()
  })

  await documentApi(app)
  const keyIds = (keyNos: number[]) => keyIdsOf(deps.pool, keyNos)
  const toProblem = (error: unknown, request: FastifyRequest) =>
    batchProblem(error, request.id, request.log)
  await app.register(async (routes) => {
    trackRoutes(routes, { ...deps, toProblem })
    ledgerRoutes(routes, { ...deps, keyIds })
    analyticsRoutes(routes, deps)
    billingRoutes(routes, deps)
    accessRoutes(routes, deps)
    systemRoutes(routes, deps)
  })
  await app.ready()
  return app
}

/** The server is ours and not the framework's, so that the hottest request can go past it. */
function createServer(deps: AppDependencies, framework: RequestListener): Server {
  const server = http.createServer({ headersTimeout: HEADERS_MS_MAX }, trackDoor(deps, framework))
  server.requestTimeout = REQUEST_MS_MAX
  server.keepAliveTimeout = IDLE_CONNECTION_MS_MAX
  return server
}

/** What was accepted before is finished; what comes now goes to another node, or comes again. */
function refuseWhileStopping(app: FastifyInstance, isStopping: () => boolean): void {
  app.addHook('onRequest', (_request, reply, done) => {
    if (!isStopping()) return done()
    reply.header('connection', 'close')
    done(new ProblemError('stopping'))
  })
}

const JSON_TYPES = [
  'application/json',
  'application/cloudevents+json',
  'application/cloudevents-batch+json',
]

function acceptJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(JSON_TYPES, { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseJsonBody(body as Buffer))
    } catch (error) {
      done(error as Error)
    }
  })
}

function checkInput(app: FastifyInstance): void {
  app.setValidatorCompiler(({ schema, httpPart }) => (data) => {
    const result = (schema as z.ZodType).safeParse(data)
    if (result.success) return { value: result.data }
    const errors = fieldErrors(result.error.issues).map(({ field, message }) => ({
      field: field === 'body' && httpPart !== undefined ? httpPart : field,
      message,
    }))
    return { error: new ProblemError('invalid_request', { errors }) }
  })
  app.addHook('preValidation', (request, _reply, done) => {
    try {
      for (const part of [request.params, request.query]) {
        for (const [name, value] of Object.entries(part as object)) checkText(String(value), name)
      }
      done()
    } catch (error) {
      done(error as Error)
    }
  })
}

/** Authenticates before the body is read, and refuses to start a route that does not say who may use it. */
function authorise(app: FastifyInstance, directory: Directory): void {
  // Set anew for each request by the hook below; a route that is public never reads it.
  app.decorateRequest('caller', null as never)
  app.decorateRequest('tenantNo', function (this: FastifyRequest, tenantId: string | undefined) {
    return directory.tenantFor(this.caller, tenantId)
  })
  app.addHook('onRoute', (route) => {
    const { config, url } = route
    // The pages of the documentation are routes of a library, which knows nothing of ours.
    if (url.startsWith('/docs')) route.config = { ...config, allow: 'everyone' }
    else if (config?.allow === undefined)
      throw new Error(`Route ${url} does not say who may use it`)
  })
  app.addHook('onRequest', async (request) => {
    const { allow } = request.routeOptions.config
    if (allow === 'everyone' || allow === undefined) return
    request.caller = await directory.authenticate(request.headers.authorization)
    if (!allow.includes(request.caller.kind)) {
      const detail = `This needs the key of: ${allow.join(', ')}.`
      throw new ProblemError('forbidden', { detail })
    }
  })
}

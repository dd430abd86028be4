import type { RequestListener } from 'node:http'
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from 'fastify'
import type { Logger } from 'pino'
import type { z } from 'zod'
import { appendAudit, auditRecorder } from '../access/audit/append.ts'
import { senderNamesOf } from '../access/keys.ts'
import { keysInForce } from '../access/tenant-keys/keys-in-force.ts'
import { type AccessDependencies, accessRoutes } from '../access/routes.ts'
import { quotaAlertOf } from '../alerts/list-alerts.ts'
import { alertRoutes } from '../alerts/routes.ts'
import type { UsageMemory } from '../analytics/readings/memory.ts'
import { analyticsRoutes } from '../analytics/routes.ts'
import type { StreamPatience } from '../analytics/stream/live-stream.ts'
import type { PdfThread } from '../billing/documents/pdf-thread.ts'
import type { PaymentProvider } from '../billing/payments/types.ts'
import { billingRoutes } from '../billing/routes.ts'
import { whileCreditsSold } from '../billing/top-ups/while-credits-sold.ts'
import { catalogRoutes } from '../catalog/routes.ts'
import { tenantsByPlanVersion } from '../ledger/readings-by-plan.ts'
import { type GiveSold, ledgerRoutes } from '../ledger/routes.ts'
import { trackRoutes } from '../ledger/track-routes.ts'
import type { Caller } from '../lib/caller.ts'
import { ProblemError } from '../lib/problem-error.ts'
import type { Settings } from '../lib/settings.ts'
import { fieldErrors } from '../lib/zod-errors.ts'
import { BODY_BYTES_MAX, PATH_PARAMETER_CHARS_MAX } from '../limits.ts'
import { type AuthoriseDependencies, authorise } from './authorise.ts'
import { answerBrokenRequest } from './broken-request.ts'
import { allowOrigins, constantHeaders } from './browser-headers.ts'
import { createServer } from './create-server.ts'
import { documentApi } from './documentation.ts'
import { checkText, parseJsonBody } from './json-body.ts'
import { batchProblem, sendProblem } from './problems.ts'
import { requestIdOf } from './request-id.ts'
import { type SystemDependencies, systemRoutes } from './system-routes.ts'
import { trackDoor } from './track-door.ts'
import { refuseUnnamedQueries } from './unnamed-queries.ts'

export type AppDependencies = AccessDependencies &
  SystemDependencies &
  AuthoriseDependencies & {
    settings: Settings
    payments: PaymentProvider
    pdfs: PdfThread
    log: Logger
    usageMemory: UsageMemory
    streamPatience?: Partial<StreamPatience> | undefined
  }

/** The HTTP door: every route with who may use it, one way for bodies, errors and ids. */
export async function buildApp(deps: AppDependencies): Promise<FastifyInstance> {
  const headers = await constantHeaders(deps.settings)
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
    // None: what X-Forwarded-For says is anybody's claim.
    trustProxy: deps.settings.trustedProxies.length > 0 && [...deps.settings.trustedProxies],
    // The server is ours and not the framework's, so that the hottest request can go past it.
    serverFactory: (framework) =>
      createServer(trackDoor({ ...deps, headers }, framework as RequestListener)),
  })
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers)
    done()
  })
  await allowOrigins(app, deps.settings)
  refuseWhileStopping(app, deps.isStopping)
  acceptJson(app)
  checkInput(app)
  authorise(app, deps)
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

  await documentApi(app, deps.policy)
  const senderNames = (senderNos: number[]) => senderNamesOf(deps.pool, senderNos)
  const audit = auditRecorder(deps)
  const toProblem = (error: unknown, request: FastifyRequest) =>
    batchProblem(error, request.id, request.log)
  await app.register(async (routes) => {
    trackRoutes(routes, { ...deps, toProblem })
    const giveSold: GiveSold = (tenantNo, key, give) => whileCreditsSold(deps, tenantNo, key, give)
    ledgerRoutes(routes, { ...deps, senderNames, audit, giveSold })
    analyticsRoutes(routes, forAnalytics(deps))
    alertRoutes(routes, { ...deps, appendAudit })
    catalogRoutes(routes, {
      ...deps,
      audit: appendAudit,
      tenantsByPlanVersion: () => tenantsByPlanVersion(deps.pool),
    })
    const collects = deps.payments.name !== 'manual'
    const { seller } = deps.settings
    billingRoutes(routes, { ...deps, audit, appendAudit, seller, collects })
    accessRoutes(routes, deps)
    systemRoutes(routes, deps)
  })
  await app.ready()
  return app
}

const BILLS = { object: 'billing', action: 'read' } as const

/** What the room of usage is given, since it does not know keys, nor who may read bills. */
function forAnalytics(deps: AppDependencies) {
  const { pool, clock, policy, ledger } = deps
  return {
    ...deps,
    memory: deps.usageMemory,
    quotaAlertOf: (tenantNo: number) => quotaAlertOf(pool, tenantNo),
    senderNames: (senderNos: number[]) => senderNamesOf(pool, senderNos),
    keysOf: (tenantNo: number) => keysInForce(pool, tenantNo, clock.now()),
    maySeeMoney: ({ roles }: Caller) => policy.permits(roles, BILLS),
    watchers: ledger.watchers,
    patience: deps.streamPatience,
  }
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
    // A body that was not sent is null to the framework.
    const result = (schema as z.ZodType).safeParse(data ?? undefined)
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
      refuseUnnamedQueries(request)
      done()
    } catch (error) {
      done(error as Error)
    }
  })
}

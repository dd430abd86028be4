import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Directory } from '../access/directory.ts'
import type { Policy } from '../access/policy/policy.ts'
import type { Actor, Caller } from '../lib/caller.ts'
import { ProblemError } from '../lib/problem-error.ts'
import { DOCUMENTATION } from './documentation.ts'
import { type Counted, limitHeaders, type RequestLimits, takePoint } from './request-limits.ts'

export type AuthoriseDependencies = {
  directory: Directory
  policy: Policy
  requestLimits: RequestLimits
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The limit that the reply tells of. */
    counted: Counted | null
  }
}

/** Counts and authenticates before the body is read, and refuses to start a route that does not say who may use it. */
export function authorise(app: FastifyInstance, deps: AuthoriseDependencies): void {
  const { directory, policy } = deps
  // Set anew for each request by the hook below; a route that is public never reads it.
  app.decorateRequest('caller', null as never)
  app.decorateRequest('counted', null)
  app.decorateRequest('tenantNo', function (this: FastifyRequest, tenantId: string | undefined) {
    return directory.tenantFor(this.caller, tenantId)
  })
  app.decorateRequest('stillMay', function (this: FastifyRequest) {
    return stillMay(deps, this)
  })
  app.decorateRequest('actor', function (this: FastifyRequest) {
    return actorOf(this)
  })
  askWhoMay(app, policy)
  app.addHook('onRequest', (request) => admit(deps, request))
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (request.counted !== null) reply.headers(limitHeaders(request.counted))
    done()
  })
}

function askWhoMay(app: FastifyInstance, policy: Policy): void {
  app.addHook('onRoute', (route) => {
    const { config, url } = route
    // The pages of the documentation are routes of a library, which knows nothing of ours.
    if (url.startsWith('/docs')) route.config = { ...config, access: DOCUMENTATION }
    else if (config?.access === undefined) {
      throw new Error(`Route ${url} does not say what it does to what`)
    } else if (policy.rolesThatMay(config.access).length === 0) {
      const { object, action } = config.access
      throw new Error(`Route ${url}: nobody may do “${action}” to “${object}”`)
    }
  })
}

async function admit(deps: AuthoriseDependencies, request: FastifyRequest): Promise<void> {
  const { directory, policy, requestLimits } = deps
  const { access } = request.routeOptions.config
  // Machines ask for ever whether a node lives, perhaps from the address that everybody comes from.
  if (access?.object === 'health') return
  const isPublic = access !== undefined && policy.isPublic(access)
  const needsCaller = access !== undefined && !isPublic
  // Whoever has a key is to get no more sign-ins, sign-ups and e-mails from an address than others.
  const known = isPublic ? null : directory.knownCaller(request.headers.authorization)
  if (known === null && !needsCaller) {
    await count(request, requestLimits.ofAddress(request.ip))
    return
  }
  const caller = known ?? (await authenticate(deps, request))
  await count(request, requestLimits.ofCaller(caller.id))
  if (!needsCaller) return
  request.caller = caller
  if (!policy.permits(caller.roles, access)) {
    const detail = `This needs one of: ${policy.rolesThatMay(access).join(', ')}.`
    throw new ProblemError('forbidden', { detail })
  }
}

async function stillMay(deps: AuthoriseDependencies, request: FastifyRequest): Promise<boolean> {
  const { directory, policy } = deps
  try {
    const { roles, tenant } = await directory.authenticate(request.headers.authorization)
    const sameTenant = tenant?.tenantNo === request.caller.tenant?.tenantNo
    return sameTenant && policy.permits(roles, request.routeOptions.config.access!)
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'unauthorized') return false
    throw error
  }
}

/** A wrong key costs its address a point, taken before the database is asked; a right one gets it back. */
async function authenticate(
  { directory, requestLimits }: AuthoriseDependencies,
  request: FastifyRequest,
): Promise<Caller> {
  const { authorization } = request.headers
  const counted = requestLimits.ofAddress(request.ip)
  if (counted === null) return directory.authenticate(authorization)
  request.counted = counted
  const window = await takePoint(counted)
  try {
    const caller = await directory.authenticate(authorization)
    counted.leases.giveBack(counted.id, window)
    return caller
  } catch (error) {
    const isWrong = error instanceof ProblemError && error.code === 'unauthorized'
    if (!isWrong) counted.leases.giveBack(counted.id, window)
    throw error
  }
}

async function count(request: FastifyRequest, counted: Counted | null): Promise<void> {
  request.counted = counted
  if (counted === null) return
  await takePoint(counted)
  const { access } = request.routeOptions.config
  // There the limits of the plan are told, and the door beside the framework tells nothing else either.
  if (access?.object === 'events' && access.action === 'track') request.counted = null
}

const KIND_OF_ACTOR = {
  token: 'member',
  operator_key: 'operator_key',
  service_key: 'service_key',
  tenant_key: 'tenant_key',
} as const

function actorOf({ caller, ip, id }: FastifyRequest): Actor {
  return { kind: KIND_OF_ACTOR[caller.credential], id: caller.id, address: ip, requestId: id }
}

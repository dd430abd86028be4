import {
  acceptedReply,
  forgotPasswordBody,
  logInBody,
  refreshBody,
  resetPasswordBody,
  signUpBody,
  signUpReply,
  tokensReply,
  verifyEmailBody,
} from '@tollgate/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { invalidField, ProblemError } from '../../lib/problem-error.ts'
import { ACCESS_TOKEN_SECONDS } from '../../limits.ts'
import type { SignInDependencies } from './dependencies.ts'
import { verifyEmail } from './email-verification.ts'
import { FailedSignIns } from './failed-sign-ins.ts'
import { logIn } from './log-in.ts'
import { logOut, logOutByToken } from './log-out.ts'
import type { Origin } from './origin.ts'
import { forgotPassword, resetPassword } from './password-reset.ts'
import { profileRoutes } from './profile-routes.ts'
import { refresh } from './refresh.ts'
import { clearRefreshCookie, refreshCookieOf, setRefreshCookie } from './refresh-cookie.ts'
import type { SignIn } from './sessions.ts'
import { signUp } from './sign-up.ts'

const config = { access: { object: 'sign_in', action: 'write' } }
const tags = ['Sign-in']

/** How people come in, stay in and go out. */
export function signInRoutes(fastify: FastifyInstance, deps: SignInDependencies): void {
  comingIn(fastify, deps)
  staying(fastify, deps)
  byEmail(fastify, deps)
  profileRoutes(fastify, deps)
}

function comingIn(fastify: FastifyInstance, deps: SignInDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const onError = (error: unknown) => app.log.warn({ err: error }, 'a failed sign-in was not noted')
  const failures = new FailedSignIns({ ...deps, onError })
  app.addHook('onClose', () => failures.settled())

  app.post(
    '/auth/signup',
    {
      config,
      schema: {
        tags,
        summary: 'Make a tenant and its owner, and sign in',
        body: signUpBody,
        response: { 201: signUpReply },
      },
    },
    async (request, reply) => {
      const signIn = await signUp(deps, request.body, originOf(request))
      const { memberId: member_id, tenantId } = signIn
      const tokens = tokensJson(deps, reply, signIn, request.body.cookie)
      return reply.code(201).send({ tenant_id: tenantId!, member_id, ...tokens })
    },
  )
  app.post(
    '/auth/login',
    {
      config,
      schema: {
        tags,
        summary: 'Sign in',
        description:
          'The answer is the same for an address that nobody has. After too many failures: 423, with Retry-After.',
        body: logInBody,
        response: { 200: tokensReply },
      },
    },
    async (request, reply) => {
      const signIn = await logIn({ ...deps, failures }, request.body, originOf(request))
      return tokensJson(deps, reply, signIn, request.body.cookie)
    },
  )
}

function staying(fastify: FastifyInstance, deps: SignInDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()

  app.post(
    '/auth/refresh',
    {
      config,
      schema: {
        tags,
        summary: 'The next pair of tokens',
        description:
          'A refresh token is good once, and where it came from (body or cookie) is where the next one goes. One that was used before ends its whole session.',
        body: refreshBody,
        response: { 200: tokensReply },
      },
    },
    async (request, reply) => {
      const given = request.body?.refresh_token
      const token = given ?? refreshCookieOf(request, deps.settings)
      if (token === null) throw noToken()
      try {
        const signIn = await refresh(deps, token, originOf(request))
        return tokensJson(deps, reply, signIn, given === undefined)
      } catch (error) {
        // A browser would go on sending what is good for nothing.
        const isRefused = error instanceof ProblemError && error.code === 'unauthorized'
        if (isRefused && given === undefined) clearRefreshCookie(reply, deps.settings)
        throw error
      }
    },
  )
  app.post(
    '/auth/logout',
    {
      config,
      schema: {
        tags,
        summary: 'End a session',
        description:
          'That of the refresh token in the body or the cookie, or else of the access token. One that has ended is no error.',
        body: refreshBody,
        response: { 204: z.null().describe('Ended') },
      },
    },
    async (request, reply) => {
      await endSessionOf(deps, request, request.body?.refresh_token)
      clearRefreshCookie(reply, deps.settings)
      return reply.code(204).send(null)
    },
  )
}

function byEmail(fastify: FastifyInstance, deps: SignInDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()

  app.post(
    '/auth/password/forgot',
    {
      config,
      schema: {
        tags,
        summary: 'Ask for an e-mail with a link to choose a new password',
        description: 'The answer is the same for an address that nobody has.',
        body: forgotPasswordBody,
        response: {
          202: acceptedReply.describe('If somebody has this address, an e-mail is sent'),
        },
      },
    },
    async ({ body }, reply) => {
      await forgotPassword(deps.pool, body.email)
      return reply.code(202).send({ status: 'accepted' as const })
    },
  )
  app.post(
    '/auth/password/reset',
    {
      config,
      schema: {
        tags,
        summary: 'Choose a new password, with the token of the e-mail',
        description: 'Ends all sessions, and a lock.',
        body: resetPasswordBody,
        response: { 204: z.null().describe('Changed') },
      },
    },
    async (request, reply) => {
      await resetPassword(deps, request.body, originOf(request))
      return reply.code(204).send(null)
    },
  )
  app.post(
    '/auth/email/verify',
    {
      config,
      schema: {
        tags,
        summary: 'Say that an e-mail address is yours, with the token of the e-mail',
        body: verifyEmailBody,
        response: { 204: z.null().describe('Verified') },
      },
    },
    async (request, reply) => {
      await verifyEmail(deps, request.body.token, originOf(request))
      return reply.code(204).send(null)
    },
  )
}

async function endSessionOf(
  deps: SignInDependencies,
  request: FastifyRequest,
  given: string | undefined,
): Promise<void> {
  const token = given ?? refreshCookieOf(request, deps.settings)
  if (token !== null) return logOutByToken(deps, token, originOf(request))
  const { authorization } = request.headers
  if (authorization === undefined) throw noToken()
  request.caller = await deps.directory.authenticate(authorization)
  const { id: memberId, sessionId, tenant } = request.caller
  // A key has no session.
  if (sessionId === null) throw noToken()
  const tenantNo = tenant?.tenantNo ?? null
  await logOut(deps, { sessionId, memberId, tenantNo }, request.actor())
}

/** The reply of whoever signed in; a browser's refresh token goes out as a cookie instead. */
export function tokensJson(
  { settings, clock }: Pick<SignInDependencies, 'settings' | 'clock'>,
  reply: FastifyReply,
  { accessToken, refreshToken, expiresAt }: SignIn,
  asCookie = false,
): z.infer<typeof tokensReply> {
  // Of a session that is about to end no token outlives it: see readSignedIn.
  const tokens = {
    access_token: accessToken,
    token_type: 'Bearer' as const,
    expires_in: ACCESS_TOKEN_SECONDS,
  }
  if (!asCookie) return { ...tokens, refresh_token: refreshToken }
  const secondsLeft = Math.max(0, Math.floor((expiresAt - clock.now()) / 1_000))
  setRefreshCookie(reply, settings, refreshToken, secondsLeft)
  return tokens
}

export function originOf({ ip, id }: FastifyRequest): Origin {
  return { address: ip, requestId: id }
}

function noToken(): ProblemError {
  return invalidField('refresh_token', 'needed in the body, or as the cookie tollgate_refresh')
}

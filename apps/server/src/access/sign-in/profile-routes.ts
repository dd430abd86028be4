import { acceptedReply, changePasswordBody, meReply, sessionsReply } from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { addJob } from '../../db/jobs.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { changePassword } from './change-password.ts'
import type { SignInDependencies } from './dependencies.ts'
import { verificationJob } from './email-verification.ts'
import { logOut } from './log-out.ts'
import { readMe } from './me.ts'
import { readSessions, type SessionRow } from './store.ts'

const reading = { access: { object: 'profile', action: 'read' } }
const writing = { access: { object: 'profile', action: 'write' } }
const tags = ['Sign-in']
const sessionPath = z.strictObject({ id: z.string().min(1).max(64) })

/** What people may do with what is their own. */
export function profileRoutes(fastify: FastifyInstance, deps: SignInDependencies): void {
  aboutMe(fastify, deps)
  sessionRoutes(fastify, deps)
}

function aboutMe(fastify: FastifyInstance, deps: SignInDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()

  app.get(
    '/auth/me',
    {
      config: reading,
      schema: { tags, summary: 'Who is signed in', response: { 200: meReply } },
    },
    async ({ caller }) => readMe(deps, caller),
  )
  app.post(
    '/auth/password/change',
    {
      config: writing,
      schema: {
        tags,
        summary: 'Change the password',
        description: 'Ends all other sessions.',
        body: changePasswordBody,
        response: { 204: z.null().describe('Changed') },
      },
    },
    async (request, reply) => {
      const { current_password: current, new_password: wanted } = request.body
      await changePassword(deps, request.caller, request.actor(), { current, wanted })
      return reply.code(204).send(null)
    },
  )
  app.post(
    '/auth/email/verify/resend',
    {
      config: writing,
      schema: {
        tags,
        summary: 'Ask for another e-mail to verify the address',
        response: { 202: acceptedReply.describe('Sent, unless it is verified already') },
      },
    },
    async ({ caller }, reply) => {
      // A log knows a person by the negative of their number.
      await addJob(deps.pool, ...verificationJob(-caller.senderNo))
      return reply.code(202).send({ status: 'accepted' as const })
    },
  )
}

function sessionRoutes(fastify: FastifyInstance, deps: SignInDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()

  app.get(
    '/auth/sessions',
    {
      config: reading,
      schema: { tags, summary: 'Where I am signed in', response: { 200: sessionsReply } },
    },
    async ({ caller }) => {
      const rows = await readSessions(deps.pool, caller.id, deps.clock.now())
      return { data: rows.map((row) => sessionJson(row, caller.sessionId)) }
    },
  )
  app.delete(
    '/auth/sessions/:id',
    {
      config: writing,
      schema: {
        tags,
        summary: 'End one of my sessions',
        params: sessionPath,
        response: { 204: z.null().describe('Ended') },
      },
    },
    async (request, reply) => {
      const { id: memberId, tenant } = request.caller
      const session = {
        sessionId: request.params.id,
        memberId,
        tenantNo: tenant?.tenantNo ?? null,
      }
      if (!(await logOut(deps, session, request.actor()))) throw new ProblemError('not_found')
      return reply.code(204).send(null)
    },
  )
}

function sessionJson(row: SessionRow, currentId: string | null) {
  return {
    session_id: row.session_id,
    created_at: new Date(row.created_at).toISOString(),
    expires_at: new Date(row.expires_at).toISOString(),
    current: row.session_id === currentId,
  }
}

import {
  acceptInvitationBody,
  acceptInvitationReply,
  fields,
  invitationBody,
  invitationReply,
  invitationsReply,
  type MemberRole,
  memberReply,
  membersReply,
  patchMemberBody,
  patchStaffBody,
  type StaffRole,
  staffInvitationBody,
} from '@tollgate/contract'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Policy } from '../policy/policy.ts'
import type { SignInDependencies } from '../sign-in/dependencies.ts'
import { originOf, tokensJson } from '../sign-in/routes.ts'
import { acceptInvitation } from './accept-invitation.ts'
import { changeMember } from './change-member.ts'
import { inviteMember, withdraw } from './invitations.ts'
import { removeMember } from './remove-member.ts'
import { checkRoleWithin } from './roles-within.ts'
import {
  type InvitationRow,
  type MemberRow,
  readMembers,
  readOpenInvitations,
  type Side,
} from './store.ts'

export type MemberRouteDependencies = SignInDependencies & { policy: Policy }

/** The same for a tenant's people and for the operator's own. */
type People = {
  path: string
  /** Of the policy. */
  object: string
  whose: string
  sideOf(request: FastifyRequest): Side | Promise<Side>
  patchBody: z.ZodType<{ role?: AnyRole | undefined; name?: string | undefined }>
  invitationBody: z.ZodType<{ email: string; role: AnyRole }>
}
type AnyRole = MemberRole | StaffRole

const OF_TENANT: People = {
  path: '/api/members',
  object: 'members',
  whose: "the tenant's people",
  sideOf: (request) => request.tenantNo(undefined),
  patchBody: patchMemberBody,
  invitationBody,
}
const OF_OPERATOR: People = {
  path: '/api/admin/members',
  object: 'staff',
  whose: "the operator's people",
  sideOf: () => null,
  patchBody: patchStaffBody,
  invitationBody: staffInvitationBody,
}

const tags = ['Members']
const idPath = z.strictObject({ id: z.string().min(1).max(64) })
const tenantPath = z.strictObject({ id: fields.tenantId })

/** Who belongs to a tenant or to the operator, and who is asked to. */
export function memberRoutes(fastify: FastifyInstance, deps: MemberRouteDependencies): void {
  for (const people of [OF_TENANT, OF_OPERATOR]) {
    members(fastify, deps, people)
    invitations(fastify, deps, people)
  }
  membersForOperators(fastify, deps)
  accepting(fastify, deps)
}

function members(fastify: FastifyInstance, deps: MemberRouteDependencies, people: People): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const { path, object, whose, sideOf } = people

  app.get(
    path,
    {
      config: { access: { object, action: 'read' } },
      schema: { tags, summary: `List ${whose}, oldest first`, response: { 200: membersReply } },
    },
    async (request) => listMembers(deps, await sideOf(request)),
  )
  app.patch(
    `${path}/:id`,
    {
      config: { access: { object, action: 'write' } },
      schema: {
        tags,
        summary: `Change role or name of one of ${whose}`,
        description: 'The last one who can let others in keeps that role: 409 last_owner.',
        params: idPath,
        body: people.patchBody,
        response: { 200: memberReply },
      },
    },
    async (request) => {
      const { params, body, caller } = request
      if (body.role !== undefined) checkRoleWithin(deps.policy, caller, body.role)
      const member = { side: await sideOf(request), memberId: params.id }
      return memberJson(await changeMember(deps, request.actor(), member, body))
    },
  )
  app.delete(
    `${path}/:id`,
    {
      config: { access: { object, action: 'write' } },
      schema: {
        tags,
        summary: `Remove one of ${whose}`,
        description:
          'Ends their sessions. The last one who can let others in stays: 409 last_owner.',
        params: idPath,
        response: { 204: z.null().describe('Removed') },
      },
    },
    async (request, reply) => {
      const member = { side: await sideOf(request), memberId: request.params.id }
      await removeMember(deps, request.actor(), member)
      return reply.code(204).send(null)
    },
  )
}

function invitations(
  fastify: FastifyInstance,
  deps: MemberRouteDependencies,
  people: People,
): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const { object, whose, sideOf } = people
  const path = `${people.path}/invitations`

  app.get(
    path,
    {
      config: { access: { object, action: 'read' } },
      schema: {
        tags,
        summary: `List who is invited to ${whose}, oldest first`,
        response: { 200: invitationsReply },
      },
    },
    async (request) => {
      const rows = await readOpenInvitations(deps.pool, await sideOf(request), deps.clock.now())
      return { data: rows.map(invitationJson) }
    },
  )
  app.post(
    path,
    {
      config: { access: { object, action: 'write' } },
      schema: {
        tags,
        summary: `Invite somebody to ${whose}`,
        description:
          'They get an e-mail with a link. Inviting an address again sends a new link, and the old one is good no more. A role can allow no more than its giver may do.',
        body: people.invitationBody,
        response: { 201: invitationReply },
      },
    },
    async (request, reply) => {
      checkRoleWithin(deps.policy, request.caller, request.body.role)
      const side = await sideOf(request)
      const row = await inviteMember(deps, request.actor(), side, request.body)
      return reply.code(201).send(invitationJson(row))
    },
  )
  app.delete(
    `${path}/:id`,
    {
      config: { access: { object, action: 'write' } },
      schema: {
        tags,
        summary: `Withdraw an invitation to ${whose}`,
        params: idPath,
        response: { 204: z.null().describe('Its link is good no more') },
      },
    },
    async (request, reply) => {
      const invitation = { side: await sideOf(request), invitationId: request.params.id }
      await withdraw(deps, request.actor(), invitation)
      return reply.code(204).send(null)
    },
  )
}

function membersForOperators(fastify: FastifyInstance, deps: MemberRouteDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()

  app.get(
    '/api/admin/tenants/:id/members',
    {
      config: { access: { object: 'tenants', action: 'read' } },
      schema: {
        tags,
        summary: "List a tenant's people, oldest first",
        params: tenantPath,
        response: { 200: membersReply },
      },
    },
    async (request) => listMembers(deps, await request.tenantNo(request.params.id)),
  )
}

function accepting(fastify: FastifyInstance, deps: MemberRouteDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()

  app.post(
    '/auth/invitations/accept',
    {
      config: { access: { object: 'sign_in', action: 'write' } },
      schema: {
        tags: ['Sign-in'],
        summary: 'Accept an invitation, with the token of the e-mail, and sign in',
        description:
          'An e-mail address belongs to one person of one tenant: where it is in use already, 409.',
        body: acceptInvitationBody,
        response: { 201: acceptInvitationReply },
      },
    },
    async (request, reply) => {
      const signIn = await acceptInvitation(deps, request.body, originOf(request))
      const { tenantId: tenant_id, memberId: member_id } = signIn
      const tokens = tokensJson(deps, reply, signIn, request.body.cookie)
      return reply.code(201).send({ tenant_id, member_id, ...tokens })
    },
  )
}

async function listMembers(
  { pool }: MemberRouteDependencies,
  side: Side,
): Promise<z.infer<typeof membersReply>> {
  return { data: (await readMembers(pool, side)).map(memberJson) }
}

function memberJson(row: MemberRow): z.infer<typeof memberReply> {
  return {
    member_id: row.member_id,
    email: row.email,
    name: row.name,
    role: row.role as AnyRole,
    email_verified: row.email_verified_at !== null,
    created_at: instant(row.created_at),
  }
}

function invitationJson(row: InvitationRow): z.infer<typeof invitationReply> {
  return {
    invitation_id: row.invitation_id,
    email: row.email,
    role: row.role as AnyRole,
    created_at: instant(row.created_at),
    expires_at: instant(row.expires_at),
  }
}

function instant(ms: number): string {
  return new Date(ms).toISOString()
}

import { z } from 'zod'
import { email, instantOut, name } from './fields.ts'
import { SECRET_CHARS_MAX } from './limits.ts'
import { MEMBER_ROLES, STAFF_ROLES } from './roles.ts'
import { asCookie, newPassword, tokensReply } from './sign-in.ts'

const anyRole = z.enum([...STAFF_ROLES, ...MEMBER_ROLES])

export const memberReply = z
  .object({
    member_id: z.string(),
    email: z.string(),
    name: z.string(),
    role: anyRole,
    email_verified: z.boolean(),
    created_at: instantOut,
  })
  .meta({ id: 'Member' })
export const membersReply = z.object({ data: z.array(memberReply) })

export const patchMemberBody = z
  .strictObject({ role: z.enum(MEMBER_ROLES).optional(), name: name.optional() })
  .refine(changesSomething, 'nothing to change')
export const patchStaffBody = z
  .strictObject({ role: z.enum(STAFF_ROLES).optional(), name: name.optional() })
  .refine(changesSomething, 'nothing to change')

export const invitationBody = z.strictObject({ email, role: z.enum(MEMBER_ROLES) })
export const staffInvitationBody = z.strictObject({ email, role: z.enum(STAFF_ROLES) })

export const invitationReply = z
  .object({
    invitation_id: z.string(),
    email: z.string(),
    role: anyRole,
    created_at: instantOut,
    expires_at: instantOut,
  })
  .meta({ id: 'Invitation' })
export const invitationsReply = z.object({ data: z.array(invitationReply) })

export const acceptInvitationBody = z.strictObject({
  token: z.string().min(1).max(SECRET_CHARS_MAX).describe('From the link in the e-mail'),
  name: name.describe('Of the person'),
  password: newPassword,
  cookie: asCookie,
})
export const acceptInvitationReply = tokensReply
  .extend({
    tenant_id: z.string().nullable().describe("null: one of the operator's people"),
    member_id: z.string(),
  })
  .meta({ id: 'InvitationAccepted' })

function changesSomething(body: object): boolean {
  return Object.values(body).some((value) => value !== undefined)
}

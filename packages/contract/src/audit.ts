import { z } from 'zod'
import { instantOut, tenantId } from './fields.ts'
import { nextCursor, pageQuery } from './readings.ts'

const id = z.string().min(1).max(200)
const filters = {
  actor_id: id.describe('Who did it: mem_…, key_…').optional(),
  action: z.string().min(1).max(100).describe('As in tenant.changed').optional(),
  object_id: id.describe('What it was done to').optional(),
}

export const auditQuery = z.strictObject({ ...filters, ...pageQuery })
export const allAuditQuery = z.strictObject({
  tenant_id: tenantId.describe('Left out: all, and what is the operator’s own').optional(),
  ...filters,
  ...pageQuery,
})

export const auditLine = z
  .object({
    audit_id: z.string(),
    seq: z.number().int().describe("Number in the tenant's chain"),
    recorded_at: instantOut,
    actor: z.object({
      kind: z
        .string()
        .describe('member, operator_key, service_key, tenant_key, command_line, system'),
      id: z.string().nullable().describe('null: nobody who is known'),
      name: z.string().optional().describe('As it is today'),
    }),
    action: z.string(),
    object: z.object({ kind: z.string(), id: z.string().nullable() }),
    tenant_id: z.string().nullable().describe("null: of the operator's own chain"),
    address: z.string().nullable().describe('Tenants are not told those of the operator'),
    request_id: z.string().nullable(),
    before: z.record(z.string(), z.unknown()).nullable(),
    after: z.record(z.string(), z.unknown()).nullable(),
    log_seq: z.number().int().nullable().describe("The line of the tenant's log that it is about"),
    hash: z.string().describe('SHA-256 over this line and the hash before it, in hex'),
  })
  .meta({ id: 'AuditLine', description: 'Who changed what, when, from where' })
export type AuditLineReply = z.infer<typeof auditLine>
export const auditReply = z.object({ data: z.array(auditLine), next_cursor: nextCursor })

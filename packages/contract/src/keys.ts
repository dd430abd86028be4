import { z } from 'zod'
import { instant, instantOut, name } from './fields.ts'
import { KEY_OVERLAP_SECONDS_DEFAULT, KEY_OVERLAP_SECONDS_MAX, QUANTITY_MAX } from './limits.ts'
import { nextCursor, pageQuery } from './readings.ts'
import { KEY_SCOPES } from './roles.ts'

const scopes = z
  .array(z.enum(KEY_SCOPES))
  .min(1)
  .refine((list) => new Set(list).size === list.length, 'each once')
const keyName = name.describe('What people know it by')
const team = name.describe('Whose usage it is; never changes, so that usage stays where it was')
const callsPerPeriod = z
  .number()
  .int()
  .min(0)
  .max(QUANTITY_MAX)
  .describe("A limit of the key's own, in units of quota per period")

export const keyBody = z.strictObject({
  name: keyName,
  team: team.optional(),
  scopes: scopes.describe('Left out: track and read').optional(),
  expires_at: instant.optional(),
  calls_per_period: callsPerPeriod.optional(),
})
/** Of operators, who may leave everything out. */
export const operatorKeyBody = keyBody.partial().optional()

export const patchKeyBody = z
  .strictObject({
    name: keyName.optional(),
    scopes: scopes.optional(),
    expires_at: instant.nullable().describe('null: never').optional(),
    calls_per_period: callsPerPeriod.nullable().describe('null: no limit of its own').optional(),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), 'nothing to change')

export const rotateKeyBody = z
  .strictObject({
    overlap_seconds: z
      .number()
      .int()
      .min(0)
      .max(KEY_OVERLAP_SECONDS_MAX)
      .describe(`How long the secret before stays good; left out: ${KEY_OVERLAP_SECONDS_DEFAULT}`)
      .optional(),
  })
  .optional()

export const keysQuery = z.strictObject(pageQuery)

export const keyReply = z
  .object({
    key_id: z.string(),
    hint: z.string().describe('How the key begins and ends'),
    name: z.string().nullable(),
    team: z.string().nullable(),
    scopes: z.array(z.enum(KEY_SCOPES)),
    created_at: instantOut,
    expires_at: instantOut.nullable(),
    revoked_at: instantOut.nullable(),
    last_used_at: instantOut.nullable().describe('To within a minute'),
    old_secret_until: instantOut
      .nullable()
      .describe('Until when the secret before the last rotation is good'),
    calls: z
      .object({ limit: z.number(), used: z.number() })
      .nullable()
      .describe("The key's own limit and what of it was used in this period; null: none"),
  })
  .meta({ id: 'ApiKey' })
export const keysReply = z.object({ data: z.array(keyReply), next_cursor: nextCursor })

const secret = z.string().describe('Shown once; only its hash is kept')
export const createKeyReply = z.object({ key_id: z.string(), key: secret })
export const rotateKeyReply = z.object({
  key_id: z.string(),
  key: secret,
  old_secret_until: instantOut.describe('From then on the secret before is refused'),
})

export const serviceKeyReply = z
  .object({
    key_id: z.string(),
    hint: z.string().describe('How the key begins and ends'),
    created_at: instantOut,
    revoked_at: instantOut.nullable(),
    last_used_at: instantOut.nullable().describe('To within a minute'),
  })
  .meta({ id: 'ServiceKey' })
export const serviceKeysReply = z.object({ data: z.array(serviceKeyReply) })

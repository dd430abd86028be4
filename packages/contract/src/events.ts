import { z } from 'zod'
import { instant, tenantId } from './fields.ts'
import { callFields } from './track.ts'

/** Fields of a call that the data of a CloudEvent may carry. Others are kept as properties. */
export const cloudEventData = z.looseObject({
  ...callFields,
  endpoint: callFields.endpoint.optional(),
})

/**
 * CloudEvents 1.0, for calls that happened already. `source` and `id` together are the idempotency
 * key, `subject` is the tenant. Extension attributes are taken and not kept.
 */
export const cloudEvent = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: z.string().min(1).max(255),
    source: z.string().min(1).max(255).describe('Where `data` names no service: the service'),
    type: z.string().min(1).max(255).describe('Where `data` names no endpoint: the endpoint'),
    subject: tenantId.describe("The tenant; with a tenant's key it may be left out").optional(),
    time: instant.optional(),
    datacontenttype: z
      .string()
      .regex(
        /^application\/([a-z0-9.+-]+\+)?json\s*(;.*)?$/i,
        'JSON is the only content that is understood',
      )
      .optional(),
    dataschema: z.string().min(1).max(1_024).optional(),
    data: cloudEventData.nullable().optional(),
    data_base64: z.never({ error: 'data must be JSON' }).optional(),
  })
  .meta({ id: 'CloudEvent' })
export type CloudEvent = z.infer<typeof cloudEvent>

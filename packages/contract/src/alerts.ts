import { z } from 'zod'
import { instantOut } from './fields.ts'
import {
  ALERT_CALLS_MAX,
  ALERT_QUOTA_PERCENT_MAX,
  ALERT_WINDOW_MINUTES_DEFAULT,
  ALERT_WINDOW_MINUTES_MAX,
  ALERTS_MAX,
} from './limits.ts'

export const ALERT_TYPES = ['quota_threshold', 'daily_limit', 'error_rate'] as const
export type AlertType = (typeof ALERT_TYPES)[number]

const percent = (max: number) => z.number().gt(0).max(max).multipleOf(0.01)
const usual = {
  enabled: z.boolean().default(true),
  notify_email: z.boolean().default(true).describe('Whether owners are told by e-mail as well'),
}

const alertToSet = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('quota_threshold'),
    threshold: percent(ALERT_QUOTA_PERCENT_MAX).describe('Percent of the quota'),
    ...usual,
  }),
  z.strictObject({
    type: z.literal('daily_limit'),
    threshold: z.number().int().min(1).max(ALERT_CALLS_MAX).describe('Calls of a day'),
    ...usual,
  }),
  z.strictObject({
    type: z.literal('error_rate'),
    threshold: percent(100).describe('Percent of the calls that failed'),
    window_minutes: z
      .number()
      .int()
      .min(1)
      .max(ALERT_WINDOW_MINUTES_MAX)
      .default(ALERT_WINDOW_MINUTES_DEFAULT)
      .describe('Over the last so many minutes'),
    ...usual,
  }),
])
export type AlertToSet = z.infer<typeof alertToSet>

export const alertsBody = z.strictObject({ alerts: z.array(alertToSet).min(1).max(ALERTS_MAX) })

export const alertPath = z.strictObject({ alert_id: z.string().min(1).max(64) })

const alert = z.object({
  id: z.string().describe('From its type and threshold, as in alert_quota_80'),
  type: z.enum(ALERT_TYPES),
  threshold: z.number(),
  status: z
    .enum(['active', 'disabled', 'paused'])
    .describe('paused: the plan the tenant is on has no alerts'),
  last_triggered: instantOut.nullable(),
})
export type Alert = z.infer<typeof alert>

export const alertsSetReply = z
  .object({ status: z.literal('configured'), alerts: z.array(alert) })
  .meta({ id: 'AlertsConfigured' })
export type AlertsSet = z.infer<typeof alertsSetReply>

export const alertsReply = z
  .object({
    alerts: z.array(
      alert.extend({
        window_minutes: z.number().int().nullable().describe('null: not of this type'),
        notify_email: z.boolean(),
      }),
    ),
  })
  .meta({ id: 'Alerts' })
export type Alerts = z.infer<typeof alertsReply>

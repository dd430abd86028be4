import { ALERT_TYPES } from '@tollgate/contract'
import { z } from 'zod'
import { type Mail, oneLine } from '../delivery/letter.ts'

export const alertMail = z.object({
  to: z.string(),
  /** Of the tenant. */
  name: z.string(),
  alert: z.object({
    alert_id: z.string(),
    type: z.enum(ALERT_TYPES),
    threshold: z.number(),
    value: z.number(),
    since: z.string(),
  }),
  /** When it was raised, ms. */
  at: z.number(),
})
export type AlertMail = z.infer<typeof alertMail>

const SAYS = {
  quota_threshold: ({ value, threshold }) =>
    `${value} % of the quota of this period are used; you wanted to know at ${threshold} %.`,
  daily_limit: ({ value, threshold }) =>
    `${value} calls were made today; you wanted to know at ${threshold}.`,
  error_rate: ({ value, threshold }) =>
    `${value} % of the calls failed; you wanted to know at ${threshold} %.`,
} as const satisfies Record<string, (alert: AlertMail['alert']) => string>

const SUBJECTS = {
  quota_threshold: ({ value }) => `${value} % of the quota are used`,
  daily_limit: ({ value }) => `${value} calls today`,
  error_rate: ({ value }) => `${value} % of calls fail`,
} as const satisfies Record<string, (alert: AlertMail['alert']) => string>

/** What an owner is told when an alert is raised. Pure. */
export function alertLetter({ to, name, alert, at }: AlertMail, publicUrl: string): Mail {
  const tenant = oneLine(name)
  return {
    to,
    subject: `${tenant}: ${SUBJECTS[alert.type](alert)}`,
    text: `Hello,

${SAYS[alert.type](alert)}

Account: ${tenant}
Counted from ${alert.since} to ${new Date(at).toISOString()}
Alert: ${alert.alert_id}

How it stands now, for those who may read it:

${publicUrl}/api/usage/current

Alerts are set, and ended, at ${publicUrl}/api/usage/alerts
`,
  }
}

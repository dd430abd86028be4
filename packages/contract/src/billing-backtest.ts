import { z } from 'zod'
import { instant, tenantId } from './fields.ts'
import { BACKTEST_TENANTS_MAX } from './limits.ts'
import { amount } from './readings.ts'

const moment = z
  .union([z.iso.date(), instant], {
    error: 'a date, as in 2025-01-24, or an ISO 8601 time with a zone',
  })
  .describe('A date (its first moment in UTC) or an ISO 8601 time with a zone')

export const backtestBody = z
  .strictObject({
    catalog: z
      .record(z.string(), z.unknown())
      .describe('The other catalog, in the shape of the file as JSON'),
    from: moment.describe(
      'Periods that lie in [from, to) with both ends are compared. A date is its first moment in UTC',
    ),
    to: moment,
    tenant_ids: z
      .array(tenantId)
      .min(1)
      .max(BACKTEST_TENANTS_MAX)
      .describe('Left out: all but those on test clocks')
      .optional(),
    limit: z.int().min(1).max(BACKTEST_TENANTS_MAX).default(BACKTEST_TENANTS_MAX),
    cursor: z.string().max(64).describe('The `next_cursor` of the page before').optional(),
  })
  .meta({ id: 'BacktestRequest' })

const count = z.number().int()

export const backtestReply = z
  .object({
    currencies: z
      .array(
        z.object({
          currency: z.string().describe('ISO 4217'),
          now: amount,
          // biome-ignore lint/suspicious/noThenProperty: an amount, and no function that await would call.
          then: amount,
          difference: amount.describe('`then` less `now`'),
          winners: count.describe('Tenants who would pay less'),
          losers: count.describe('Tenants who would pay more'),
          unchanged: count,
        }),
      )
      .describe('Of this page'),
    data: z.array(
      z.object({
        tenant_id: z.string(),
        plan: z.string().describe('At the end of the last of the periods'),
        kept_plans: z
          .array(z.string())
          .describe(
            "Plans of the tenant that kept their terms: the other catalog lacks them, or a price in the tenant's currency",
          ),
        currency: z.string().describe('ISO 4217'),
        periods: count.describe('How many are compared'),
        now: amount.describe('By the terms that held, before discounts and tax'),
        // biome-ignore lint/suspicious/noThenProperty: an amount, and no function that await would call.
        then: amount.describe('By those of the other catalog, before discounts and tax'),
        difference: amount.describe('`then` less `now`'),
        allowed_to_denied: count.describe('Calls that were allowed and would be denied'),
        denied_to_allowed: count.describe('Calls that were denied and would be allowed'),
        refused: count.describe('Entries that could not be carried out at all, and were left out'),
      }),
    ),
    next_cursor: z
      .string()
      .nullable()
      .describe('null: these were the last. A page ends early where logs are long'),
  })
  .meta({ id: 'Backtest' })
export type BacktestReply = z.infer<typeof backtestReply>

import { z } from 'zod'
import { instant, instantOut } from './fields.ts'
import { amount } from './readings.ts'

export const revenueQuery = z
  .strictObject({
    from: instant.describe('Invoices issued from then on'),
    to: instant.describe('… and before then'),
  })
  .refine(({ from, to }) => Date.parse(from) < Date.parse(to), {
    path: ['to'],
    message: 'must lie after from',
  })

export const revenueReply = z
  .object({
    from: instantOut,
    to: instantOut,
    data: z.array(
      z.object({
        currency: z.string().describe('ISO 4217'),
        invoices: z.number().int(),
        issued: amount.describe('With tax; the sum of all that follow'),
        credited: amount.describe('By credit notes'),
        paid: amount,
        outstanding: amount.describe('Open'),
        uncollectible: amount,
        void: amount,
      }),
    ),
  })
  .meta({
    id: 'Revenue',
    description:
      'Of invoices issued in that time, as they stand now, less what was credited; without tenants on test clocks',
  })

import { z } from 'zod'
import { PROBLEM_CODES } from './codes.ts'

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.enum(PROBLEM_CODES),
    detail: z.string().optional(),
    request_id: z.string(),
    errors: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .describe('Every field that is wrong')
      .optional(),
    feature: z.string().describe('Of plan_feature_required: what the plan lacks').optional(),
    plan: z
      .string()
      .nullable()
      .describe('Of plan_feature_required: the cheapest plan on offer that has it; null: none')
      .optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' })
export type Problem = z.infer<typeof problem>
export type FieldError = { field: string; message: string }

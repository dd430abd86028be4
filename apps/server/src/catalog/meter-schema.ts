import { NAME_CHARS_MAX } from '@tollgate/contract'
import { z } from 'zod'
import { noneTwice } from './schema-values.ts'

// What a meter measures. A plan version keeps the meters that its charges use, so a meter that is
// changed in the file changes the plans that use it, by a new version, and no other.

const DIMENSIONS = [
  'service',
  'endpoint',
  'method',
  'region',
  'feature',
  'file_type',
  'output_format',
] as const

/** What every account counts anyway, and names that a line of a bill has for something else. */
export const BUILT_IN_METERS = ['units', 'credits'] as const
const RESERVED = new Set<string>([...BUILT_IN_METERS, 'overage_credits', 'credits_bought', 'base'])

const NUMBERS = ['quantity', 'file_size_bytes', 'processing_time_ms', 'token_count', 'credits']
const TEXTS = [...DIMENSIONS, 'error_code']
const PROPERTY = /^properties\.\S+$/

const text = z.string().min(1).max(NAME_CHARS_MAX)
const listOf = <Value extends z.ZodType<string>>(value: Value) =>
  z.array(value).min(1).refine(noneTwice, 'lists a value twice').nullable().default(null)

const filter = z.strictObject({
  service: listOf(text),
  endpoint: listOf(
    z.string().regex(/^\/\S*$/, 'must be a path such as /convert or /reports/*, without spaces'),
  ),
  method: listOf(z.string().regex(/^[A-Z]+$/, 'must be a method in capitals, such as POST')),
  region: listOf(text),
  feature: listOf(text),
  file_type: listOf(text),
  output_format: listOf(text),
  status: listOf(z.enum(['success', 'failure'])),
})

const meter = z
  .strictObject({
    aggregation: z.enum(['count', 'sum', 'max', 'last', 'unique']),
    /** null for `count` alone. */
    field: z.string().nullable().default(null),
    /** What a bill calls one of it; null: after what is measured. */
    unit: text.nullable().default(null),
    /** A call must have one of the values of each list; null: any. */
    filter: filter.prefault({}),
    group_by: z
      .array(z.enum(DIMENSIONS))
      .max(2)
      .refine(noneTwice, 'lists a dimension twice')
      .default([]),
  })
  .superRefine(({ aggregation, field }, context) => {
    const problem = fieldProblem(aggregation, field)
    if (problem !== null) context.addIssue({ code: 'custom', path: ['field'], message: problem })
  })

const meterName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'a meter’s name is lower-case letters, digits, dashes and _')
  .refine((name) => !RESERVED.has(name), 'this meter is built in; choose another name')

export const metersSchema = z.record(meterName, meter).default({})
export type MeterDefinition = z.infer<typeof meter>
export type MeterDefinitions = z.infer<typeof metersSchema>

function fieldProblem(aggregation: string, field: string | null): string | null {
  if (aggregation === 'count') {
    return field === null ? null : 'count counts calls and takes no field; sum adds up a field'
  }
  const allowed = aggregation === 'unique' ? TEXTS : NUMBERS
  if (field !== null && (allowed.includes(field) || PROPERTY.test(field))) return null
  return `${aggregation} needs a field: one of ${allowed.join(', ')}, or properties.<name>`
}

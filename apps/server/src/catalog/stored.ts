import { z } from 'zod'
import { type PlanDefinition, planSchema, servicesSchema } from './schema.ts'
import { formatsSchema, usagePropertiesSchema } from './usage-schema.ts'
import type { PlanVersionRow, RulesRow } from './store.ts'

// The rules carry which plans are on offer, so that a version of them is all of a catalog but the
// terms, and a plan that left the file needs no mark of its own.
const rulesSchema = z.strictObject({
  services: servicesSchema,
  offered: z.array(z.string()),
  formats: formatsSchema,
  usage_properties: usagePropertiesSchema,
})

export type StoredRules = z.infer<typeof rulesSchema>

/** Before any catalog was loaded. */
export const NO_RULES: StoredRules = rulesSchema.parse({ services: {}, offered: [] })

/** The terms of a stored version, with defaults for keys that are younger than it. */
export function storedTerms({ plan, version, terms }: PlanVersionRow): PlanDefinition {
  return check(planSchema, terms, `Version ${version} of plan ${plan}`)
}

export function storedRules({ version, rules }: RulesRow): StoredRules {
  return check(rulesSchema, rules, `Version ${version} of the endpoint rules`)
}

/** @param properties null: none were named yet */
export function storedProperties(properties: unknown): readonly string[] {
  return check(usagePropertiesSchema, properties ?? undefined, 'What usage is counted by')
}

function check<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  // Rather stop than bill by terms of which only a part is understood.
  throw new Error(
    `${what} cannot be read by this version of Tollgate; it was stored by a newer one. Update this node. ${z.prettifyError(result.error)}`,
  )
}

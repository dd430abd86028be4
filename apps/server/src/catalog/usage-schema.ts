import { z } from 'zod'
import { FORMAT_FAMILIES_MAX, FORMATS_PER_FAMILY_MAX, USAGE_PROPERTIES_MAX } from '../limits.ts'
import { noneTwice } from './schema-values.ts'

// How statistics see calls. Nothing of it is in a version: readings go by what is in force when they
// are asked.

const family = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'a family is lower-case letters, digits, dashes and _')
const format = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9.+_-]{0,62}$/,
    'a format is in lower case and without a dot before it, such as xlsx',
  )

/** Formats that belong together. What is not named stays where Tollgate has it. */
export const formatsSchema = z
  .record(family, z.array(format).min(1).max(FORMATS_PER_FAMILY_MAX))
  .refine(
    (families) => Object.keys(families).length <= FORMAT_FAMILIES_MAX,
    `must have at most ${FORMAT_FAMILIES_MAX} families`,
  )
  .superRefine((families, context) => {
    const familyByFormat = new Map<string, string>()
    for (const [name, formats] of Object.entries(families)) {
      for (const [index, one] of formats.entries()) {
        const other = familyByFormat.get(one)
        familyByFormat.set(one, name)
        if (other === undefined) continue
        const message = `${one} is in ${other} already`
        context.addIssue({ code: 'custom', path: [name, index], message })
      }
    }
  })
  .default({})
  .describe('Formats by family, besides those that Tollgate knows; a format moves to its family')

const property = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/,
    'a property is letters, digits, dots, dashes and _, such as customer',
  )

/** In order, so that the same ones are the same however they are listed. */
export const usagePropertiesSchema = z
  .array(property)
  .max(USAGE_PROPERTIES_MAX)
  .refine(noneTwice, 'lists a property twice')
  .transform((names) => [...names].sort())
  .default([])
  .describe('Properties of calls by whose values usage is counted')

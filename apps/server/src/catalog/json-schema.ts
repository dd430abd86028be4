import { z } from 'zod'
import { catalogSchema } from './schema.ts'

/** The form of a catalog file, as editors understand it. What only a program can check is not in it. */
export function catalogJsonSchema(): object {
  return {
    title: 'Tollgate catalog: plans and endpoint rules',
    // Editors of YAML read this draft best.
    ...z.toJSONSchema(catalogSchema, { io: 'input', target: 'draft-7' }),
  }
}

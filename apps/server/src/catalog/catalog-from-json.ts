import { ProblemError } from '../lib/problem-error.ts'
import { fieldErrors } from '../lib/zod-errors.ts'
import { explain } from './parse-catalog.ts'
import { type CatalogDefinition, catalogSchema } from './schema.ts'

/**
 * A catalog that was sent as JSON, in the shape of the file.
 * @param field the field that holds it
 * @throws ProblemError invalid_request that names every problem by its path, in the words of the file
 */
export function catalogFromJson(value: unknown, field: string): CatalogDefinition {
  const result = catalogSchema.safeParse(value, { error: explain })
  if (result.success) return result.data
  throw new ProblemError('invalid_request', { errors: fieldErrors(result.error.issues, field) })
}

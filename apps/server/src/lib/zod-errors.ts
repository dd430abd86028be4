import type { FieldError } from '@tollgate/contract'
import type { z } from 'zod'

const FIELDS_NAMED_MAX = 50
/** An unknown field is told by its name, which may be as long as the body. */
const FIELD_CHARS_MAX = 100

/**
 * What a schema found wrong, a line per field, named as the sender wrote it: `properties.color`,
 * `[3].endpoint`. An unknown field is named itself, not the object it stands in.
 */
export function fieldErrors(issues: readonly z.core.$ZodIssue[], root = ''): FieldError[] {
  const errors = issues.flatMap((issue): FieldError[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        field: fieldName([...issue.path, key], root),
        message: 'unknown field',
      }))
    }
    const field = fieldName(issue.path, root)
    // That a key is wrong says nothing; why it is stands within.
    if (issue.code === 'invalid_key') {
      return issue.issues.map(({ message }) => ({ field, message }))
    }
    return [{ field, message: issue.message }]
  })
  return errors.slice(0, FIELDS_NAMED_MAX)
}

function fieldName(path: readonly PropertyKey[], root: string): string {
  let name = root
  for (const part of path) {
    if (typeof part === 'number') name += `[${part}]`
    else name += name === '' ? String(part) : `.${String(part)}`
  }
  return name === '' ? 'body' : name.slice(0, FIELD_CHARS_MAX)
}

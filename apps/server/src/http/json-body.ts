import { isUtf8 } from 'node:buffer'
import { invalidField, ProblemError } from '../lib/problem-error.ts'
import { JSON_DEPTH_MAX } from '../limits.ts'

const FIELD_CHARS_MAX = 100
const PROTOTYPE = '__proto__'

/**
 * The value of a JSON body. Text that PostgreSQL cannot store (NUL, half of a surrogate pair, bytes
 * that are no UTF-8) is refused here, once, for every route.
 * Of an array each member is checked by itself: a bad one is replaced by its ProblemError.
 * @throws ProblemError malformed_json, invalid_request
 */
export function parseJsonBody(body: Buffer): unknown {
  if (!isUtf8(body)) {
    throw new ProblemError('malformed_json', { detail: 'The body is not UTF-8.' })
  }
  const text = body.toString('utf8')
  const value = parse(text)
  // Only an escape can bring such text into a body that is UTF-8: most bodies need no second look.
  if (!text.includes('\\u') && !text.includes(PROTOTYPE)) return value
  if (Array.isArray(value)) return value.map(checkedMember)
  checkValue(value, '', 1)
  return value
}

/** A bad member of a batch becomes what is wrong with it, and does not harm the others. */
function checkedMember(member: unknown): unknown {
  try {
    checkValue(member, '', 1)
    return member
  } catch (error) {
    return error
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const detail = text === '' ? 'The body is empty.' : (error as Error).message
    throw new ProblemError('malformed_json', { detail })
  }
}

function checkValue(value: unknown, field: string, depth: number): void {
  if (typeof value === 'string') {
    checkText(value, field)
    return
  }
  if (value === null || typeof value !== 'object') return
  if (depth > JSON_DEPTH_MAX) {
    throw invalidField(shortened(field), `nested more than ${JSON_DEPTH_MAX} deep`)
  }
  for (const [key, member] of Object.entries(value)) {
    const name = Array.isArray(value) ? `${field}[${key}]` : field === '' ? key : `${field}.${key}`
    if (!Array.isArray(value)) checkText(key, name)
    // Schemas and copies of objects drop this key without a word: what was sent would not be kept.
    if (key === PROTOTYPE) throw invalidField(shortened(name), 'no field may have this name')
    checkValue(member, name, depth + 1)
  }
}

/** A name made of nested fields, or by somebody who wants to see what happens, can be long. */
function shortened(field: string): string {
  return field.slice(0, FIELD_CHARS_MAX)
}

export function checkText(text: string, field: string): void {
  if (text.includes('\0')) throw invalidField(shortened(field), 'contains the character NUL')
  if (!text.isWellFormed())
    throw invalidField(shortened(field), 'contains half of a surrogate pair')
}

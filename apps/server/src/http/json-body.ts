import { isUtf8 } from 'node:buffer'
import { invalidField, ProblemError } from '../lib/problem-error.ts'
import { EVENT_VALUES_MAX, JSON_DEPTH_MAX, SINGLE_BODY_BYTES_MAX } from '../limits.ts'

const FIELD_CHARS_MAX = 100
const SPACE = 0x20
const OPENING_BRACKET = 0x5b
const PROTOTYPE = '__proto__'

/**
 * The value of a JSON body. Text that PostgreSQL cannot store (NUL, half of a surrogate pair, bytes
 * that are no UTF-8) is refused here, once, for every route; so is what is only large to keep us busy.
 * Of an array each member is checked by itself: a bad one is replaced by its ProblemError.
 * @throws ProblemError malformed_json, invalid_request
 */
export function parseJsonBody(body: Buffer): unknown {
  // Many clients name the content type also where they send nothing.
  if (body.length === 0) return undefined
  if (!isUtf8(body)) {
    throw new ProblemError('malformed_json', { detail: 'The body is not UTF-8.' })
  }
  const isLarge = body.length > SINGLE_BODY_BYTES_MAX
  if (isLarge && !isArray(body)) {
    const detail = `Only a batch may have more than ${SINGLE_BODY_BYTES_MAX} bytes.`
    throw new ProblemError('body_too_large', { detail })
  }
  const text = body.toString('utf8')
  let value = parse(text)
  if (isLarge && Array.isArray(value)) value = value.map(boundedMember)
  // Only an escape can bring such text into a body that is UTF-8: most bodies need no second look.
  if (!text.includes('\\u') && !text.includes(PROTOTYPE)) return value
  if (Array.isArray(value)) return value.map(checkedMember)
  checkValue(value, '', 1)
  return value
}

function isArray(body: Buffer): boolean {
  for (const byte of body) if (byte > SPACE) return byte === OPENING_BRACKET
  return false
}

function boundedMember(member: unknown): unknown {
  if (!hasManyValues(member)) return member
  return invalidField('body', `has more than ${EVENT_VALUES_MAX} values`)
}

function hasManyValues(member: unknown): boolean {
  const open = [member]
  let values = 0
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== 'object') continue
    for (const key in value) {
      values += 1
      if (values > EVENT_VALUES_MAX) return true
      open.push(value[key as never])
    }
  }
  return false
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
    throw new ProblemError('malformed_json', { detail: (error as Error).message })
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

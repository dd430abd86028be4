import { isUtf8 } from 'node:buffer'
import { JSON_DEPTH_MAX } from '../limits.ts'
import { invalidField, ProblemError } from '../lib/problem-error.ts'

const PROTOTYPE = '__proto__'

/**
 * The value of a JSON body. Text that PostgreSQL cannot store (NUL, half of a surrogate pair, bytes
 * that are no UTF-8) is refused here, once, for every route; so is nesting that is only meant to hurt.
 * @throws ProblemError malformed_json, invalid_request
 */
export function parseJsonBody(body: Buffer): unknown {
  if (!isUtf8(body)) {
    throw new ProblemError('malformed_json', { detail: 'The body is not UTF-8.' })
  }
  const text = body.toString('utf8')
  const value = parse(text)
  // Only an escape can bring such text into a body that is UTF-8, and only brackets nest: most
  // bodies need no second look.
  if (text.includes('\\u') || text.includes(PROTOTYPE) || mayBeDeep(text)) checkValue(value, '', 1)
  return value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const detail = text === '' ? 'The body is empty.' : (error as Error).message
    throw new ProblemError('malformed_json', { detail })
  }
}

function mayBeDeep(text: string): boolean {
  let brackets = 0
  let from = -1
  for (const bracket of ['[', '{']) {
    while (brackets <= JSON_DEPTH_MAX) {
      from = text.indexOf(bracket, from + 1)
      if (from === -1) break
      brackets += 1
    }
  }
  return brackets > JSON_DEPTH_MAX
}

function checkValue(value: unknown, field: string, depth: number): void {
  if (typeof value === 'string') {
    checkText(value, field)
    return
  }
  if (value === null || typeof value !== 'object') return
  if (depth > JSON_DEPTH_MAX) {
    throw invalidField(field.slice(0, 100), `nested more than ${JSON_DEPTH_MAX} deep`)
  }
  for (const [key, member] of Object.entries(value)) {
    const name = Array.isArray(value) ? `${field}[${key}]` : field === '' ? key : `${field}.${key}`
    if (!Array.isArray(value)) checkText(key, name)
    // Schemas and copies of objects drop this key without a word: what was sent would not be kept.
    if (key === PROTOTYPE) throw invalidField(name, 'no field may have this name')
    checkValue(member, name, depth + 1)
  }
}

export function checkText(text: string, field: string): void {
  if (text.includes('\0')) throw invalidField(field, 'contains the character NUL')
  if (!text.isWellFormed()) throw invalidField(field, 'contains half of a surrogate pair')
}

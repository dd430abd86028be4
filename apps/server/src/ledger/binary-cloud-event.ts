import type { IncomingHttpHeaders } from 'node:http'
import { ProblemError } from '../lib/problem-error.ts'

/**
 * A CloudEvent in binary mode as a structured one: attributes are headers that begin with `ce-`,
 * percent-encoded; the body is the data.
 * @throws ProblemError unsupported_media_type, invalid_request
 */
export function binaryCloudEvent(headers: IncomingHttpHeaders, data: unknown): object {
  const names = Object.keys(headers).filter((name) => name.startsWith('ce-'))
  if (names.length === 0) {
    throw new ProblemError('unsupported_media_type', {
      detail:
        'Send application/cloudevents+json, application/cloudevents-batch+json, or application/json with ce- headers.',
    })
  }
  const attributes = names.map((name) => [name.slice(3), decoded(name, String(headers[name]))])
  return { ...Object.fromEntries(attributes), data }
}

function decoded(name: string, value: string): string {
  try {
    const text = decodeURIComponent(value)
    if (!text.includes('\0')) return text
  } catch {
    // Told below.
  }
  const errors = [{ field: name, message: 'not percent-encoded text' }]
  throw new ProblemError('invalid_request', { errors })
}

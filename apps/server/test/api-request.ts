import type { Reply } from './node.ts'

export type Sent = {
  method: string
  path: string
  headers?: Record<string, string>
  /** Text and bytes go as they are, anything else as JSON. */
  body?: unknown
}

/** Sends a request with whatever headers and body a test wants. */
export async function send(url: string, key: string | null, sent: Sent): Promise<Reply> {
  const { method, path, headers = {}, body } = sent
  const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array
  const reply = await fetch(url + path, {
    method,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined
      ? {}
      : { body: (raw ? body : JSON.stringify(body)) as RequestInit['body'] }),
  })
  const text = await reply.text()
  const json = /json/.test(reply.headers.get('content-type') ?? '')
  return { status: reply.status, headers: reply.headers, body: json ? JSON.parse(text) : text }
}

export const STRUCTURED = { 'content-type': 'application/cloudevents+json' }
export const BATCHED = { 'content-type': 'application/cloudevents-batch+json' }

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Stripe from 'stripe'
import { type Answer, type Form, refused, StripeAccount } from './stripe-account.ts'

/**
 * `failed`: 500, which is kept under the key. `failed after the work`: likewise, but it was done.
 * `busy`: 429. `reply lost`: done, and the connection ends. `silent`: done, and nothing is said.
 */
export type Trouble = 'failed' | 'failed after the work' | 'busy' | 'reply lost' | 'silent'

export type StripeServer = {
  url: string
  account: StripeAccount
  /** `POST /v1/invoices`, in order, with the key and what came of it. */
  calls: { what: string; key: string | undefined; form: Form; status: number | null }[]
  /** Befalls the next calls of this kind: `POST /v1/invoices/:id/pay`. */
  trouble(what: string, ...kinds: Trouble[]): void
  /** The next call of this kind is held up until another one with its key was turned away. */
  meet(what: string): void
  /** A day later: what was said under any key is forgotten. */
  forgetKeys(): void
  signed(event: object, atMs: number): { rawBody: Buffer; headers: Record<string, string> }
  stop(): Promise<void>
}

export const SECRET_KEY = 'sk_test_tollgate'
export const WEBHOOK_SECRET = 'whsec_tollgate'

type Kept = { request: string; answer: Answer | null; turnedAway: () => void }

/** Speaks the parts of Stripe's API that Tollgate uses, with its keys and its troubles. */
export async function startStripeServer(nowMs: () => number): Promise<StripeServer> {
  const account = new StripeAccount(nowMs)
  const calls: StripeServer['calls'] = []
  const kept = new Map<string, Kept>()
  const troubles = new Map<string, Trouble[]>()
  const meetings = new Set<string>()
  const server = createServer((request, response) => {
    void handle(request, response).catch((error) => response.destroy(error))
  })

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url!, 'http://stripe')
    const text = await bodyOf(request)
    const form = formOf(request.method === 'POST' ? new URLSearchParams(text) : searchParams)
    const key = request.headers['idempotency-key'] as string | undefined
    const what = `${request.method} ${pathname.replace(/\/(cus|in|pi|cn)_\w+/, '/:id')}`
    const call = { what, key, form, status: null as number | null }
    calls.push(call)
    if (request.headers.authorization !== `Bearer ${SECRET_KEY}`) {
      return send(response, { status: 401, body: { error: { message: 'Invalid API Key' } } }, call)
    }
    const trouble = troubles.get(what)?.shift()
    if (trouble === 'busy') return send(response, BUSY, call)
    const said = `${pathname} ${text}`
    const earlier = key === undefined ? undefined : kept.get(key)
    const answer = earlier === undefined ? await work(said, trouble) : again(earlier, said)
    if (trouble === 'reply lost') response.destroy()
    else if (trouble !== 'silent') send(response, answer, call, earlier?.answer === answer)

    async function work(said: string, trouble: Trouble | undefined): Promise<Answer> {
      const { promise: met, resolve: turnedAway } = Promise.withResolvers<void>()
      const entry: Kept = { request: said, answer: null, turnedAway }
      if (key !== undefined) kept.set(key, entry)
      if (meetings.delete(what)) await met
      const done = trouble === 'failed' ? FAILED : account.answer(request.method!, pathname, form)
      // What was said stays what it was when it was said.
      entry.answer = structuredClone(trouble === 'failed after the work' ? FAILED : done)
      // Refused before anything was begun: nothing is kept.
      if (entry.answer.status === 400 && key !== undefined) kept.delete(key)
      return entry.answer
    }
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    account,
    calls,
    trouble: (what, ...kinds) => void troubles.set(what, kinds),
    meet: (what) => void meetings.add(what),
    forgetKeys: () => kept.clear(),
    signed,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const FAILED: Answer = { status: 500, body: { error: { type: 'api_error', message: 'Oh no' } } }
const BUSY: Answer = { status: 429, body: { error: { message: 'Too many requests' } } }

function again({ request, answer, turnedAway }: Kept, now: string): Answer {
  if (request !== now) {
    return refused('Keys are for the same parameters only', 400, { type: 'idempotency_error' })
  }
  if (answer !== null) return answer
  turnedAway()
  return refused('There is another request with this key', 409, { code: 'idempotency_key_in_use' })
}

function send(
  response: ServerResponse,
  { status, body }: Answer,
  call: { status: number | null },
  replayed = false,
): void {
  call.status = status
  response.writeHead(status, {
    'content-type': 'application/json',
    'request-id': 'req_test',
    ...(replayed ? { 'idempotent-replayed': 'true' } : {}),
  })
  response.end(JSON.stringify(body))
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

function formOf(fields: URLSearchParams): Form {
  const form: Form = {}
  for (const [name, value] of fields) {
    const path = name.split(/[[\]]+/).filter((part) => part !== '')
    const last = path.pop()!
    let inner = form
    for (const part of path) {
      inner[part] ??= {}
      inner = inner[part] as Form
    }
    inner[last] = value
  }
  return form
}

function signed(event: object, atMs: number) {
  const payload = JSON.stringify(event)
  const header = new Stripe(SECRET_KEY).webhooks.generateTestHeaderString({
    payload,
    secret: WEBHOOK_SECRET,
    timestamp: atMs / 1_000,
  })
  return { rawBody: Buffer.from(payload), headers: { 'stripe-signature': header } }
}

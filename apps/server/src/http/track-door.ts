import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Directory } from '../access/directory.ts'
import { answerTrack, type TrackDependencies } from '../ledger/track.ts'
import type { Caller } from '../lib/caller.ts'
import { BODY_BYTES_MAX } from '../limits.ts'
import { parseJsonBody } from './json-body.ts'
import { batchProblem, type ProblemReply, problemReply } from './problems.ts'
import { requestIdOf } from './request-id.ts'
import type { RequestLimits } from './request-limits.ts'

export type TrackDoorDependencies = TrackDependencies & {
  directory: Directory
  requestLimits: RequestLimits
  /** Of every reply. */
  headers: Readonly<Record<string, string>>
  isStopping: () => boolean
  log: Logger
}

const PATH = '/api/track'

/**
 * Takes the plainest and by far most frequent request, `POST /api/track` as JSON with a key that is
 * known, past the framework, which would cost a fifth of the whole. What is out of the ordinary goes
 * to the framework, whose route gives the same answers by the same functions.
 */
export function trackDoor(
  deps: TrackDoorDependencies,
  framework: RequestListener,
): RequestListener {
  return (request, response) => {
    const caller = expectedCaller(deps, request)
    if (caller === null) framework(request, response)
    else readBody(request, (body) => void answer(deps, caller, request, response, body))
  }
}

function expectedCaller(
  { directory, requestLimits, isStopping }: TrackDoorDependencies,
  { url, method, headers }: IncomingMessage,
): Caller | null {
  if (url !== PATH || method !== 'POST' || isStopping()) return null
  if (headers['content-type'] !== 'application/json') return null
  // From a page of whatever origin: that is answered by the framework's rules.
  if (headers.origin !== undefined) return null
  // Not a number where the length is not known beforehand.
  if (!(Number(headers['content-length']) <= BODY_BYTES_MAX)) return null
  const caller = directory.knownCaller(headers.authorization)
  if (caller?.mayTrack !== true) return null
  return requestLimits.spend(caller.id) ? caller : null
}

/** A sender that leaves in the middle has asked nothing: then `onBody` is never called. */
function readBody(request: IncomingMessage, onBody: (body: Buffer) => void): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
  })
  request.on('end', () => onBody(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
}

async function answer(
  deps: TrackDoorDependencies,
  caller: Caller,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
): Promise<void> {
  const requestId = requestIdOf(request.headers)
  const about = { requestId, method: 'POST', route: PATH }
  try {
    const sender = {
      caller,
      tenantNo: (tenantId: string | undefined) => deps.directory.tenantFor(caller, tenantId),
    }
    const toProblem = (error: unknown) => batchProblem(error, requestId, deps.log)
    const reply = await answerTrack(deps, sender, parseJsonBody(body), toProblem)
    send(deps, response, requestId, {
      status: reply.status,
      headers: { 'content-type': 'application/json; charset=utf-8', ...reply.headers },
      text: JSON.stringify(reply.body),
    })
  } catch (error) {
    send(deps, response, requestId, problemReply(error, about, deps.log))
  }
}

function send(
  { isStopping, headers: constant }: TrackDoorDependencies,
  response: ServerResponse,
  requestId: string,
  { status, headers, text }: ProblemReply,
): void {
  // The connection would otherwise stay open, idle, and hold up the end.
  if (isStopping()) response.setHeader('connection', 'close')
  response.writeHead(status, {
    ...constant,
    ...headers,
    'x-request-id': requestId,
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

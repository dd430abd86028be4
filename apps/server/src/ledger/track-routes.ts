import {
  BATCH_EVENTS_MAX,
  cloudEvent,
  DENIAL_STATUS,
  type FieldError,
  PROBLEMS,
  trackBatchReply,
  trackBody,
  trackReply,
} from '@tollgate/contract'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { invalidField, ProblemError } from '../lib/problem-error.ts'
import { binaryCloudEvent } from './binary-cloud-event.ts'
import { recordCloudEvent } from './cloud-events.ts'
import { LedgerError } from './submission.ts'
import { answerTrack, checkBatchSize, type TrackDependencies } from './track.ts'

/** Any error as the wire knows it; the HTTP door has the one place where errors become problems. */
export type ToProblem = (error: unknown, request: FastifyRequest) => object & { status: number }

const DENIED = Object.fromEntries(
  Object.values(DENIAL_STATUS).map((status) => [status, trackReply]),
)
const REPLIES_OF_TRACK: Record<string, z.ZodType> = {
  200: z.union([trackReply, trackBatchReply]),
  ...DENIED,
}

/** The two ways in for metered calls: those that ask first, and those that happened already. */
export function trackRoutes(
  app: FastifyInstance,
  deps: TrackDependencies & { toProblem: ToProblem },
): void {
  const config = { access: { object: 'events', action: 'track' } }
  // Events are checked one by one in `track`, so that a bad one does not harm the others.
  const validatorCompiler = () => (value: unknown) => ({ value })

  app.post(
    '/api/track',
    {
      config,
      validatorCompiler,
      schema: {
        tags: ['Events'],
        summary: 'Ask whether a call may be made, and charge it',
        description:
          'One event answers with the status of its decision. A batch answers 200 with one result for each event, in order.',
        body: trackBody,
        response: REPLIES_OF_TRACK,
      },
    },
    async (request, reply) => {
      const toProblem = (error: unknown) => deps.toProblem(error, request)
      const answer = await answerTrack(deps, request, request.body, toProblem)
      return reply.code(answer.status).headers(answer.headers).send(answer.body)
    },
  )
  app.post(
    '/api/events',
    {
      config,
      validatorCompiler,
      schema: {
        tags: ['Events'],
        summary: 'Record calls that happened already, as CloudEvents 1.0',
        description:
          'Structured, batched or binary mode. Never denied: what goes beyond quota or credits is overage. Of a batch with bad events the others are recorded; the problem names the bad ones, and sending all again is safe.',
        consumes: [STRUCTURED, BATCHED, 'application/json'],
        body: z.union([cloudEvent, z.array(cloudEvent).max(BATCH_EVENTS_MAX)]),
        response: { 204: z.null().describe('Recorded') },
      },
    },
    async (request, reply) => {
      await receive(deps, request)
      return reply.code(204).send(null)
    },
  )
}

const STRUCTURED = 'application/cloudevents+json'
const BATCHED = 'application/cloudevents-batch+json'

async function receive(deps: TrackDependencies, request: FastifyRequest): Promise<void> {
  const type = mediaType(request)
  if (type === BATCHED) return receiveBatch(deps, request, request.body)
  if (type === STRUCTURED) return recordCloudEvent(deps, request, request.body)
  return recordCloudEvent(deps, request, binaryCloudEvent(request.headers, request.body))
}

async function receiveBatch(
  deps: TrackDependencies,
  request: FastifyRequest,
  events: unknown,
): Promise<void> {
  if (!Array.isArray(events)) throw invalidField('body', 'must be an array of CloudEvents')
  if (events.length === 0) return
  checkBatchSize(events)
  const outcomes = await Promise.allSettled(
    events.map((event) => recordCloudEvent(deps, request, event)),
  )
  const failed = outcomes.flatMap((outcome, index) =>
    outcome.status === 'rejected' ? [{ index, error: outcome.reason as unknown }] : [],
  )
  if (failed.length > 0) throw batchProblem(failed, events.length)
}

/** The first failure that is not the sender's fault, since all must be sent again then; or all that are. */
function batchProblem(failed: { index: number; error: unknown }[], events: number): unknown {
  const errors: FieldError[] = []
  let first: ProblemError | null = null
  for (const { index, error } of failed) {
    const problem = sendersFault(error)
    if (problem === null) return error
    first ??= problem
    const named = problem.errors ?? [
      { field: '', message: problem.detail ?? PROBLEMS[problem.code].title },
    ]
    errors.push(...named.map(({ field, message }) => ({ field: atIndex(index, field), message })))
  }
  const detail = `${events - failed.length} of ${events} events were recorded.`
  return new ProblemError(first!.code, { detail, errors })
}

function sendersFault(error: unknown): ProblemError | null {
  const problem = error instanceof LedgerError ? new ProblemError(error.code) : error
  return problem instanceof ProblemError && PROBLEMS[problem.code].status < 500 ? problem : null
}

function atIndex(index: number, field: string): string {
  return field === '' || field === 'body' ? `[${index}]` : `[${index}].${field}`
}

function mediaType(request: FastifyRequest): string {
  return (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
}

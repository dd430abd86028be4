import { PROBLEMS, type Problem, type ProblemCode } from '@tollgate/contract'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import { classifyDatabaseError } from '../db/errors.ts'
import { LedgerError } from '../ledger/submission.ts'
import { ProblemError } from '../lib/problem-error.ts'
import { DATABASE_RETRY_AFTER_SECONDS, LANE_RETRY_AFTER_SECONDS } from '../limits.ts'

const RETRY_AFTER_SECONDS: Partial<Record<ProblemCode, number>> = {
  database_unavailable: DATABASE_RETRY_AFTER_SECONDS,
  overloaded: LANE_RETRY_AFTER_SECONDS,
  stopping: DATABASE_RETRY_AFTER_SECONDS,
  too_many_streams: DATABASE_RETRY_AFTER_SECONDS,
}

/** The wire form of a problem (RFC 9457). */
export function problemBody(problem: ProblemError, requestId: string): Problem {
  const { status, title } = PROBLEMS[problem.code]
  return {
    type: `urn:tollgate:problem:${problem.code}`,
    title,
    status,
    code: problem.code,
    ...(problem.detail === undefined ? {} : { detail: problem.detail }),
    request_id: requestId,
    ...(problem.errors === undefined ? {} : { errors: problem.errors }),
    ...problem.lacking,
  }
}

export type ProblemReply = { status: number; headers: Record<string, string>; text: string }

/** An error of any kind as a reply. What is our fault is logged with its cause; what is told is public. */
export function problemReply(
  error: unknown,
  about: { requestId: string; method: string; route: string | undefined },
  log: FastifyBaseLogger,
): ProblemReply {
  const problem = problemOf(error)
  const { status } = PROBLEMS[problem.code]
  const { requestId, method, route } = about
  const where = { request_id: requestId, method, route }
  if (status === 500) log.error({ ...where, err: error }, 'request failed')
  else if (status === 503) {
    // Many at a time while the database is away: one line each, without the stack.
    const cause = problem.cause instanceof Error ? problem.cause.message : undefined
    log.warn({ ...where, code: problem.code, cause }, 'request refused')
  }
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' }
  const retryAfter = problem.retryAfterSeconds ?? RETRY_AFTER_SECONDS[problem.code]
  if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter)
  if (status === 401) headers['www-authenticate'] = 'Bearer'
  return { status, headers, text: JSON.stringify(problemBody(problem, requestId)) }
}

/** As the framework wants it. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { id, method, log, routeOptions } = request
  const about = { requestId: id, method, route: routeOptions.url }
  const { status, headers, text } = problemReply(error, about, log)
  // To text the framework would add a charset, which this media type does not have.
  const body = Buffer.from(text)
  reply.code(status).headers(headers).header('x-request-id', id).send(body)
}

/** Of one event in a batch that does not fail as a whole. */
export function batchProblem(error: unknown, requestId: string, log: FastifyBaseLogger): Problem {
  const problem = problemOf(error)
  if (problem.code === 'internal_error') {
    log.error({ err: error, request_id: requestId }, 'event failed')
  }
  return problemBody(problem, requestId)
}

/** Any error as a problem. */
export function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error
  if (error instanceof LedgerError) return new ProblemError(error.code, { cause: error.cause })
  return problemOfFramework(error)
}

const CODE_OF_STATUS: Record<number, ProblemCode> = {
  400: 'invalid_request',
  404: 'not_found',
  408: 'request_timeout',
  413: 'body_too_large',
  // Of a part of the path that is longer than any id.
  414: 'not_found',
  415: 'unsupported_media_type',
  431: 'header_too_large',
}

function problemOfFramework(error: unknown): ProblemError {
  const { statusCode, message } = error as { statusCode?: unknown; message?: string }
  if (typeof statusCode === 'number' && statusCode < 500) {
    const code = CODE_OF_STATUS[statusCode] ?? 'invalid_request'
    return new ProblemError(code, message === undefined ? {} : { detail: message })
  }
  const failure = error instanceof Error ? classifyDatabaseError(error) : 'other'
  const unavailable = failure === 'unavailable'
  return new ProblemError(unavailable ? 'database_unavailable' : 'internal_error', { cause: error })
}

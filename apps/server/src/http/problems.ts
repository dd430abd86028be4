import { PROBLEMS, type Problem, type ProblemCode } from '@tollgate/contract'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { classifyDatabaseError } from '../db/errors.ts'
import { LedgerError } from '../ledger/submission.ts'
import { ProblemError } from '../lib/problem-error.ts'
import { DATABASE_RETRY_AFTER_SECONDS, LANE_RETRY_AFTER_SECONDS } from '../limits.ts'

const RETRY_AFTER_SECONDS: Partial<Record<ProblemCode, number>> = {
  database_unavailable: DATABASE_RETRY_AFTER_SECONDS,
  overloaded: LANE_RETRY_AFTER_SECONDS,
  stopping: DATABASE_RETRY_AFTER_SECONDS,
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
  }
}

/** Answers an error of any kind. What is our fault is logged with its cause; what is told is public. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemOf(error)
  const { status } = PROBLEMS[problem.code]
  const about = { request_id: request.id, method: request.method, route: request.routeOptions.url }
  if (status === 500) request.log.error({ ...about, err: error }, 'request failed')
  else if (status === 503) {
    request.log.warn({ ...about, code: problem.code, err: problem.cause }, 'request refused')
  }
  const retryAfter = RETRY_AFTER_SECONDS[problem.code]
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  reply
    .code(status)
    .header('content-type', 'application/problem+json')
    .header('x-request-id', request.id)
    .send(JSON.stringify(problemBody(problem, request.id)))
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

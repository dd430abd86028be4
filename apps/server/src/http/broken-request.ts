import type { Socket } from 'node:net'
import { PROBLEMS, type ProblemCode } from '@tollgate/contract'
import { ProblemError } from '../lib/problem-error.ts'
import { problemBody } from './problems.ts'

const CODE_OF_ERROR: Record<string, ProblemCode> = {
  HPE_HEADER_OVERFLOW: 'header_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/** Answers what never became a request: broken HTTP, endless headers, a sender that fell silent. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const code = CODE_OF_ERROR[error.code ?? ''] ?? 'invalid_request'
  const problem = new ProblemError(code, { detail: 'This is not HTTP as it should be.' })
  const body = JSON.stringify(problemBody(problem, 'none'))
  socket.end(
    `HTTP/1.1 ${PROBLEMS[code].status} ${PROBLEMS[code].title}\r\n` +
      'content-type: application/problem+json\r\nconnection: close\r\n' +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

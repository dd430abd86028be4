import assert from 'node:assert/strict'
import { PROBLEMS, type ProblemCode } from '@tollgate/contract'
import type { Reply } from './node.ts'

/** Fails unless the reply is this problem, with everything a problem must have; `fields` are those it names. */
export function assertProblem(reply: Reply, code: ProblemCode, ...fields: string[]): void {
  const { status, title } = PROBLEMS[code]
  const seen = `${reply.status} ${JSON.stringify(reply.body).slice(0, 600)}`
  assert.equal(reply.body.code, code, seen)
  assert.equal(reply.status, status, seen)
  assert.equal(reply.body.status, status, seen)
  assert.equal(reply.body.title, title)
  assert.equal(reply.body.type, `urn:tollgate:problem:${code}`)
  assert.equal(reply.body.request_id, reply.headers.get('x-request-id'))
  assert.equal(reply.headers.get('content-type'), 'application/problem+json')
  if (status === 503) assert.ok(Number(reply.headers.get('retry-after')) > 0, 'no Retry-After')
  const named = (reply.body.errors ?? []).map((error: { field: string }) => error.field)
  for (const field of fields) assert.ok(named.includes(field), `${field} is not named: ${seen}`)
}

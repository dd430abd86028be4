import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { ProblemError } from '../lib/problem-error.ts'
import { fieldErrors } from '../lib/zod-errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For what machines ask by a URL that others write: a probe may add what it likes to it. */
    anyQuery?: true
  }
}

const NOTHING = z.strictObject({})

/**
 * A route that names no query parameters takes none. Left out in silence, one that was meant for the
 * body (`?tenant_id=`) would have the sender change another tenant than it believes.
 * @throws ProblemError invalid_request, naming them
 */
export function refuseUnnamedQueries({ routeOptions, query }: FastifyRequest): void {
  const { schema, config } = routeOptions
  // The pages of the documentation have no schema. Where there is one for queries, it is asked itself.
  if (schema === undefined || schema.querystring !== undefined || config.anyQuery) return
  const { error } = NOTHING.safeParse(query)
  if (error) throw new ProblemError('invalid_request', { errors: fieldErrors(error.issues) })
}

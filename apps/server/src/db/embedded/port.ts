import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { POSTGRES_PORT_MAX, POSTGRES_PORT_MIN, POSTGRES_PORT_TRIES_MAX } from '../../limits.ts'
import { EmbeddedPostgresError } from './error.ts'

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < POSTGRES_PORT_TRIES_MAX; tries++) {
    const port = randomInt(POSTGRES_PORT_MIN, POSTGRES_PORT_MAX + 1)
    if (await isFree(port)) return port
  }
  throw new EmbeddedPostgresError(
    `No free port for the database was found between ${POSTGRES_PORT_MIN} and ${POSTGRES_PORT_MAX} on 127.0.0.1. Set DATABASE_URL to a PostgreSQL that runs already.`,
  )
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(true))
    })
  })
}

import type { FastifyInstance } from 'fastify'
import pg from 'pg'
import type { Logger } from 'pino'
import { Directory } from './access/directory.ts'
import { type Catalog, openCatalog } from './catalog/catalog.ts'
import { loadCatalog } from './catalog/load-catalog.ts'
import { readCatalog } from './catalog/read-catalog.ts'
import { migrate } from './db/migrate.ts'
import { ensurePartitions } from './db/partitions.ts'
import { connectionOptions, createPool } from './db/pool.ts'
import { buildApp } from './http/app.ts'
import { Ledger } from './ledger/ledger.ts'
import type { Clock } from './lib/clock.ts'
import { CATALOG_REFRESH_SECONDS, PARTITIONS_CHECK_HOURS, STOP_IDLE_CHECK_MS } from './limits.ts'

export type Server = {
  app: FastifyInstance
  pool: pg.Pool
  catalog: Catalog
  ledger: Ledger
  clock: Clock
  /** Refuses what comes, finishes what was accepted, closes its connections. */
  stop(): Promise<void>
}

export type ServerOptions = { databaseUrl: string; catalogFile: string; clock: Clock; log: Logger }

/** A node on a database, built and ready but for listening: `main` and the tests start the same. */
export async function buildServer(options: ServerOptions): Promise<Server> {
  const { databaseUrl, clock, log } = options
  const pool = createPool(databaseUrl, (error) => log.warn({ err: error }, 'a connection broke'))
  await migrate(pool)
  await ensurePartitions(pool, clock.now())
  await loadCatalog(pool, await readCatalog(options.catalogFile))
  const catalog = await openCatalog(pool)
  const ledger = new Ledger({
    connect: () => connectLane(databaseUrl, log),
    catalog,
    clock,
    onError: (error) => log.error({ err: error }, 'a batch failed'),
  })
  const directory = new Directory(pool)
  let stopping = false
  const app = await buildApp({
    pool,
    catalog,
    ledger,
    directory,
    clock,
    log,
    isStopping: () => stopping,
  })
  const stopChores = startChores(pool, catalog, clock, log)
  const stop = async () => {
    stopping = true
    stopChores()
    // Connections that are kept alive become idle one by one, as what they asked is answered.
    const idle = setInterval(() => app.server.closeIdleConnections(), STOP_IDLE_CHECK_MS)
    await app.close()
    clearInterval(idle)
    await ledger.close()
    await pool.end()
  }
  return { app, pool, catalog, ledger, clock, stop }
}

/** A lane's own connection: pipelined, and told that a commit is on disk when it is answered. */
async function connectLane(databaseUrl: string, log: Logger): Promise<pg.Client> {
  const client = new pg.Client({ ...connectionOptions(databaseUrl), pipeline: true })
  client.on('error', (error) => log.warn({ err: error }, "a lane's connection broke"))
  await client.connect()
  await client.query('SET synchronous_commit = on')
  return client
}

function startChores(pool: pg.Pool, catalog: Catalog, clock: Clock, log: Logger): () => void {
  const every = (seconds: number, what: string, chore: () => Promise<unknown>) =>
    setInterval(() => {
      chore().catch((error: unknown) => log.warn({ err: error }, `${what} failed`))
    }, seconds * 1_000).unref()
  const timers = [
    every(CATALOG_REFRESH_SECONDS, 'refreshing the catalog', () => catalog.refresh()),
    every(PARTITIONS_CHECK_HOURS * 3_600, 'making partitions', () =>
      ensurePartitions(pool, clock.now()),
    ),
  ]
  return () => {
    for (const timer of timers) clearInterval(timer)
  }
}

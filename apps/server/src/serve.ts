import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import type { Logger } from 'pino'
import { ensureOperatorKey } from './access/keys.ts'
import { ensureFirstAdmin } from './access/operators/create-operator.ts'
import { Passwords } from './access/sign-in/passwords.ts'
import { type Config, ConfigError } from './config.ts'
import { ensureDemoTenant } from './demo.ts'
import { systemClock } from './lib/clock.ts'
import { ProblemError } from './lib/problem-error.ts'
import { STOP_MS_MAX } from './limits.ts'
import { openDatabase } from './open-database.ts'
import { buildServer, type Server } from './server.ts'
import type { Terminal } from './terminal.ts'

/**
 * What a request needs lives until its commit, longer than V8 expects of young objects. Left alone it
 * moves them, and later makes them, among the old ones, where they are carried about and found dead
 * much later: a third of the processor time under load, measured.
 *
 * How much the young ones have is read when a heap is made: for this one it stands in
 * scripts/node-flags.json, and what stands here is for threads, as that which makes PDFs. With more it
 * takes 35 MB that it does not need, and is as fast.
 *
 * Some grow old all the same, a third of a kilobyte for a call under full load. Left alone V8 lets the heap
 * grow fourfold before it looks among the old ones, to 350 MB in all; now twofold, every 20 seconds.
 */
const V8_FLAGS = [
  '--no-allocation-site-pretenuring',
  '--max-semi-space-size=4',
  '--heap-growing-percent=100',
]

/** Starts a node and keeps it until it is told to stop. */
export async function serve(config: Config, log: Logger, terminal: Terminal): Promise<void> {
  for (const flag of V8_FLAGS) setFlagsFromString(flag)
  terminal.progress(
    config.databaseUrl === null ? 'Starting PostgreSQL' : 'Connecting to PostgreSQL',
  )
  const database = await openDatabase(config, log, (message) => terminal.progress(message))
  let server: Server
  try {
    terminal.progress('Preparing the database')
    server = await buildServer({
      databaseUrl: database.url,
      clock: systemClock,
      log,
      settings: config,
    })
    stopOnSignals(server, database.close, log)
    await makeFirstAdmin(server, config, log)
    const address = await server.app.listen({ host: config.host, port: config.port })
    log.info({ address }, 'listening')
    // Keys that are shown once are made when nothing can keep them from being shown any more.
    // A demo belongs to a trial on one's own machine, not to somebody's database.
    const demoKey =
      config.databaseUrl === null ? await ensureDemoTenant(server, config.dataDir) : null
    const operatorKey = await ensureOperatorKey(server.pool, config.operatorKey)
    terminal.welcome({ address, operatorKey, demoKey })
  } catch (error) {
    await database.close()
    throw error
  }
}

/** As configured, if there is no admin yet. @throws ConfigError */
async function makeFirstAdmin({ pool, clock }: Server, config: Config, log: Logger): Promise<void> {
  const { firstAdmin } = config
  if (firstAdmin === null) return
  try {
    const made = await ensureFirstAdmin({ pool, clock, passwords: new Passwords() }, firstAdmin)
    if (made) log.info({ email: firstAdmin.email }, 'made the first admin')
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    const wrong = error.errors?.map(
      (field) => `TOLLGATE_ADMIN_${field.field.toUpperCase()}: ${field.message}`,
    )
    throw wrong === undefined ? error : new ConfigError(wrong)
  }
}

/** SIGTERM, Ctrl-C, or the end of the launcher that started this process. */
function stopOnSignals(server: Server, closeDatabase: () => Promise<void>, log: Logger): void {
  let stopping = false
  const stop = async (why: string) => {
    if (stopping) return
    stopping = true
    log.info({ why }, 'stopping')
    const impatient = setTimeout(() => {
      log.warn('requests were still open after the time to stop')
      server.app.server.closeAllConnections()
    }, STOP_MS_MAX - 1_000)
    // What a database that hangs has not confirmed was not acknowledged either: nothing is lost.
    const outOfTime = sleep(STOP_MS_MAX - 500, 'the database did not answer before the end')
    const unfinished = await Promise.race([server.stop(), outOfTime])
    if (unfinished !== undefined) log.warn(unfinished)
    clearTimeout(impatient)
    await closeDatabase()
    log.info('stopped')
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => void stop(signal))
  }
  process.on('disconnect', () => void stop('the launcher is gone'))
}

import type { FastifyInstance } from 'fastify'
import type pg from 'pg'
import type { Logger } from 'pino'
import { Directory } from './access/directory.ts'
import { appendAudit } from './access/audit/append.ts'
import { type Lockout, openLockout } from './access/lockout.ts'
import { ownersToTell } from './access/members/owners-to-tell.ts'
import { Policy } from './access/policy/policy.ts'
import { AccessTokens } from './access/sign-in/access-tokens.ts'
import { Passwords } from './access/sign-in/passwords.ts'
import { emptySignInTrash } from './access/sign-in/trash.ts'
import { accessTasks } from './access/tasks.ts'
import { AlertWatch } from './alerts/alert-watch.ts'
import { alertTasks } from './alerts/tasks.ts'
import { UsageMemory } from './analytics/readings/memory.ts'
import { UsageFolder } from './analytics/rollups/folder.ts'
import type { StreamPatience } from './analytics/stream/live-stream.ts'
import { createPdfThread, type PdfThread } from './billing/documents/pdf-thread.ts'
import { forgetPaymentEvents } from './billing/collecting/forget-events.ts'
import { openPayments } from './billing/payments/open-payments.ts'
import type { PaymentProvider } from './billing/payments/types.ts'
import { askForBilling, billingTasks, invoiceTasks } from './billing/tasks.ts'
import { type Catalog, openCatalog } from './catalog/catalog.ts'
import { isEmptyDiff } from './catalog/catalog-diff.ts'
import { loadFileAtStart } from './catalog/catalog-file.ts'
import { readCatalogFile } from './catalog/read-catalog.ts'
import { Client } from './db/client.ts'
import { migrate } from './db/migrate.ts'
import { ensurePartitions } from './db/partitions.ts'
import { connectionOptions, createPool } from './db/pool.ts'
import { closeRedis, openRedis } from './db/redis.ts'
import { openMailer } from './delivery/mailer.ts'
import { buildApp } from './http/app.ts'
import { RequestLimits } from './http/request-limits.ts'
import { type JobsWorker, startJobs } from './jobs/worker.ts'
import { Ledger } from './ledger/ledger.ts'
import type { Clock } from './lib/clock.ts'
import type { Settings } from './lib/settings.ts'
import {
  ALERT_CHECK_SECONDS,
  BILLING_CHECK_SECONDS,
  CATALOG_REFRESH_SECONDS,
  LAST_USED_SAVE_SECONDS,
  PARTITIONS_CHECK_HOURS,
  RETENTION_CHECK_HOURS,
  SIGN_IN_TRASH_CHECK_MINUTES,
  STOP_IDLE_CHECK_MS,
  USAGE_FOLD_ALL_SECONDS,
  USAGE_FOLD_LINES_MIN,
  USAGE_FOLD_SECONDS,
} from './limits.ts'
import { publicUrlOf } from './public-url.ts'
import { askForRetention, retentionTasks } from './retention/tasks.ts'

export type Server = {
  app: FastifyInstance
  pool: pg.Pool
  catalog: Catalog
  ledger: Ledger
  clock: Clock
  /** Writes down when keys were last used; otherwise done every LAST_USED_SAVE_SECONDS. */
  saveLastUsed(): Promise<void>
  /** Refuses what comes, finishes what was accepted, closes its connections. */
  stop(): Promise<void>
}

export type ServerOptions = {
  databaseUrl: string
  clock: Clock
  log: Logger
  settings: Settings
  /** Whether this node does jobs, as e-mails, once it listens. Left out: it does. */
  jobs?: boolean
  /** With readers of live streams, other than usual: for tests. */
  streamPatience?: Partial<StreamPatience> | undefined
  /** By which it forgets who a key belongs to, other than usual: for tests. */
  cacheClock?: Clock | undefined
}

/** A node on a database, built and ready but for listening: `main` and the tests start the same. */
export async function buildServer(options: ServerOptions): Promise<Server> {
  const { databaseUrl, clock, log, settings } = options
  const pool = createPool(databaseUrl, (error) => log.warn({ err: error }, 'a connection broke'))
  await migrate(pool)
  await ensurePartitions(pool, clock.now())
  await loadCatalogFile(pool, options)
  const catalog = await openCatalog(pool)
  const ledger = new Ledger({
    connect: () => connectLane(databaseUrl, log),
    catalog,
    clock,
    onError: (error) => log.error({ err: error }, 'a batch failed'),
  })
  const redis = settings.redis === null ? null : await openRedis(settings.redis, log)
  const policy = await Policy.load()
  const tokens = new AccessTokens({ pool, clock })
  const directory = new Directory({ pool, policy, tokens, clock, cacheClock: options.cacheClock })
  const lockout = openLockout({ redis, clock })
  const pdfs = createPdfThread()
  const payments = openPayments(settings)
  const usageMemory = new UsageMemory()
  let stopping = false
  const app = await buildApp({
    pdfs,
    pool,
    catalog,
    ledger,
    directory,
    policy,
    tokens,
    passwords: new Passwords(),
    lockout,
    requestLimits: new RequestLimits({ redis, clock, settings }),
    settings,
    payments,
    clock,
    log,
    usageMemory,
    isStopping: () => stopping,
    streamPatience: options.streamPatience,
  })
  const stopJobs =
    options.jobs === false
      ? async () => undefined
      : doJobs({ ...options, app, pool, catalog, ledger, lockout, payments, pdfs })
  const folder = new UsageFolder(pool)
  const alerts = new AlertWatch({
    ...{ pool, catalog, ledger, clock, memory: usageMemory, recipientsOf: ownersToTell },
    onError: (err, tenantNo) => log.warn({ err, tenantNo }, 'looking at alerts failed'),
  })
  const stopChores = startChores({ pool, catalog, directory, tokens, folder, alerts, clock, log })
  const stop = async () => {
    stopping = true
    stopChores()
    // Connections that are kept alive become idle one by one, as what they asked is answered.
    const idle = setInterval(() => app.server.closeIdleConnections(), STOP_IDLE_CHECK_MS)
    await Promise.all([app.close(), stopJobs(), folder.stop(), alerts.stop()])
    clearInterval(idle)
    await Promise.all([ledger.close(), pdfs.close()])
    await directory
      .saveLastUsed()
      .catch((error: unknown) => log.warn({ err: error }, 'saving when keys were used failed'))
    if (redis !== null) closeRedis(redis)
    await pool.end()
  }
  const saveLastUsed = () => directory.saveLastUsed()
  return { app, pool, catalog, ledger, clock, saveLastUsed, stop }
}

/** What it changes is logged: a file may undo what was changed over the API, and nobody is asked. */
async function loadCatalogFile(pool: pg.Pool, { clock, log, settings }: ServerOptions) {
  const file = await readCatalogFile(settings.catalogFile)
  const diff = await loadFileAtStart({ pool, clock, audit: appendAudit }, file)
  if (diff === null || isEmptyDiff(diff)) return
  const plans = diff.plans.filter(({ change }) => change !== 'unchanged')
  const changed = {
    plans: plans.map(({ plan, change, version }) => `${plan}: ${change}, version ${version}`),
    rules: diff.services.map(({ service, change }) => `${service}: ${change}`),
  }
  log.info({ file: settings.catalogFile, ...changed }, 'the catalog is now what its file says')
}

type JobsDependencies = ServerOptions & {
  app: FastifyInstance
  pool: pg.Pool
  catalog: Catalog
  ledger: Ledger
  lockout: Lockout
  payments: PaymentProvider
  pdfs: PdfThread
}

/** From when it listens: only then is it known where links in e-mails lead. @returns what ends it */
function doJobs({
  app,
  pool,
  catalog,
  ledger,
  lockout,
  payments,
  pdfs,
  ...options
}: JobsDependencies): () => Promise<void> {
  const { databaseUrl, clock, log, settings } = options
  const mailer = openMailer(settings, clock)
  const goes =
    settings.smtpUrl === null
      ? 'SMTP_URL is not set: e-mails are written to files'
      : 'e-mails go to a mail server'
  log.info({ to: mailer.goesTo }, goes)
  const publicUrl = () => publicUrlOf(settings, app.server)
  const collects = payments.name !== 'manual'
  const closing = { pool, catalog, ledger, clock, seller: settings.seller, collects }
  const tasks = {
    ...accessTasks({ pool, clock, mailer, publicUrl, lockout }),
    ...billingTasks({ ...closing, log }),
    ...alertTasks({ mailer, publicUrl }),
    ...retentionTasks({
      ...{ pool, catalog, clock, log, appendAudit },
      archiveDir: settings.archiveDir,
    }),
    ...invoiceTasks({ pool, clock, log, payments, appendAudit, mailer, publicUrl, pdfs }),
  }
  let worker: JobsWorker | null = null
  app.server.once('listening', () => {
    worker = startJobs({ databaseUrl, tasks, log })
  })
  return async () => worker?.stop()
}

/** A lane's own connection: pipelined, and told that a commit is on disk when it is answered. */
async function connectLane(databaseUrl: string, log: Logger): Promise<pg.Client> {
  const client: pg.Client = new Client({ ...connectionOptions(databaseUrl), pipeline: true })
  client.on('error', (error) => log.warn({ err: error }, "a lane's connection broke"))
  await client.connect()
  await client.query('SET synchronous_commit = on')
  return client
}

type ChoreDependencies = {
  pool: pg.Pool
  catalog: Catalog
  directory: Directory
  tokens: AccessTokens
  folder: UsageFolder
  alerts: AlertWatch
  clock: Clock
  log: Logger
}

function startChores(deps: ChoreDependencies): () => void {
  const { pool, catalog, directory, tokens, folder, alerts, clock, log } = deps
  const every = (seconds: number, what: string, chore: () => Promise<unknown>) =>
    setInterval(() => {
      chore().catch((error: unknown) => log.warn({ err: error }, `${what} failed`))
    }, seconds * 1_000).unref()
  const timers = [
    every(CATALOG_REFRESH_SECONDS, 'refreshing the catalog', () => catalog.refresh()),
    every(BILLING_CHECK_SECONDS, 'asking for what is to be billed', () => askForBilling(pool)),
    every(USAGE_FOLD_SECONDS, 'folding usage', () => folder.run(USAGE_FOLD_LINES_MIN)),
    every(USAGE_FOLD_ALL_SECONDS, 'folding all usage', () => folder.run()),
    every(ALERT_CHECK_SECONDS, 'looking at alerts', () => alerts.run()),
    every(LAST_USED_SAVE_SECONDS, 'saving when keys were used', () => directory.saveLastUsed()),
    every(PARTITIONS_CHECK_HOURS * 3_600, 'making partitions', () =>
      ensurePartitions(pool, clock.now()),
    ),
    every(RETENTION_CHECK_HOURS * 3_600, 'asking for what is past retention', () =>
      askForRetention(pool),
    ),
    every(SIGN_IN_TRASH_CHECK_MINUTES * 60, 'deleting old sessions', () =>
      emptySignInTrash(pool, clock.now()),
    ),
    every(SIGN_IN_TRASH_CHECK_MINUTES * 60, 'forgetting payment events', () =>
      forgetPaymentEvents(pool),
    ),
    every(SIGN_IN_TRASH_CHECK_MINUTES * 60, 'deleting old signing keys', () =>
      tokens.keys.deleteOld(),
    ),
  ]
  return () => {
    for (const timer of timers) clearInterval(timer)
  }
}

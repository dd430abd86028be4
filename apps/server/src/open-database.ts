import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { findRunningEmbeddedPostgres, startEmbeddedPostgres } from './db/embedded/index.ts'

export type OpenDatabase = {
  url: string
  /** Stops what was started here, and nothing else. */
  close(): Promise<void>
}

/** The configured PostgreSQL, or the embedded one, owned from now on by this process. */
export async function openDatabase(
  config: Config,
  log: Logger,
  onProgress: (message: string) => void,
): Promise<OpenDatabase> {
  if (config.databaseUrl !== null) return { url: config.databaseUrl, close: async () => undefined }
  const embedded = await startEmbeddedPostgres({ dataDir: config.dataDir, log, onProgress })
  return { url: embedded.url, close: () => embedded.stop() }
}

/** As `openDatabase`, but beside a Tollgate that runs on the folder: for commands that read. */
export async function joinDatabase(config: Config, log: Logger): Promise<OpenDatabase> {
  const running =
    config.databaseUrl === null ? await findRunningEmbeddedPostgres(config.dataDir) : null
  if (running !== null) return { url: running, close: async () => undefined }
  return openDatabase(config, log, () => undefined)
}

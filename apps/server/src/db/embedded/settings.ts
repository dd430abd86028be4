import { platform } from 'node:process'
import type { Binaries } from './binaries.ts'

export type Settings = Readonly<Record<string, string>>

/** For a machine that PostgreSQL shares with Tollgate and perhaps a person's editor. */
const SETTINGS: Settings = {
  cluster_name: 'tollgate',
  // A socket file would need a folder with a short path that both users can reach. TCP needs nothing.
  unix_socket_directories: '',
  listen_addresses: '127.0.0.1',
  max_connections: '100',
  shared_buffers: '256MB',
  jit: 'off',
  random_page_cost: '1.1',
  timezone: 'UTC',

  // An acknowledged call is on the disk.
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  checkpoint_timeout: '15min',
  max_wal_size: '4GB',
  min_wal_size: '1GB',

  // Waiting locks are rare here, so one that lasts is likely a deadlock and worth a look soon.
  deadlock_timeout: '200ms',

  // The log only grows and the accounts are always rewritten: small doses, often.
  autovacuum_naptime: '15s',
  autovacuum_vacuum_scale_factor: '0.05',
  autovacuum_vacuum_insert_scale_factor: '0.05',
  autovacuum_analyze_scale_factor: '0.02',
  autovacuum_vacuum_cost_limit: '1000',

  // Refused statements are Tollgate's to report. Their text and values are customers' data: not into a file.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
}

/** On macOS a plain fsync leaves the data in the drive's cache. */
const DARWIN_SETTINGS: Settings = { wal_sync_method: 'fsync_writethrough' }

/** Arguments of `postgres`. Those of a running server tell whether it is configured as this program wants it. */
export function serverArguments(
  clusterDir: string,
  port: number,
  overrides: Settings = {},
): string[] {
  const settings = {
    ...SETTINGS,
    ...(platform === 'darwin' ? DARWIN_SETTINGS : {}),
    ...overrides,
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  // These two come first: by them isPostmasterOf knows its server.
  return ['-D', clusterDir, '-p', String(port), ...flags]
}

/** The line that PostgreSQL writes to postmaster.opts when it starts. */
export function optionsLine({ postgres }: Binaries, args: string[]): string {
  return [postgres, ...args.map((argument) => `"${argument}"`)].join(' ')
}

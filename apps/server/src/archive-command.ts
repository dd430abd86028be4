import { resolve } from 'node:path'
import type pg from 'pg'
import { onDatabase } from './command-database.ts'
import { systemClock } from './lib/clock.ts'
import {
  ArchiveIsBusy,
  archiveMonth,
  firstOpenMonth,
  monthsBefore,
} from './retention/archive/archive-month.ts'
import { UsageError } from './usage-error.ts'

export type ArchiveOptions = { before: string; out: string; tenant?: string }

const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/
const TENANT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** Writes each month to files of its own, and tells of them. */
export async function archiveCommand({ before, out, tenant }: ArchiveOptions): Promise<void> {
  if (!MONTH.test(before)) {
    throw new UsageError(`--before must be a month, as in 2025-01, not “${before}”.`)
  }
  if (tenant !== undefined && !TENANT.test(tenant)) {
    throw new UsageError(`--tenant must be the id of a tenant, not “${tenant}”.`)
  }
  const open = firstOpenMonth(systemClock.now())
  if (before > open) {
    throw new UsageError(`${before} is not over yet. Months before ${open} can be archived.`)
  }
  const dir = resolve(out)
  await onDatabase(async (pool) => {
    for (const month of await monthsBefore(pool, before)) {
      await archiveOne(pool, { dir, month, tenantId: tenant ?? null })
    }
  })
}

async function archiveOne(pool: pg.Pool, of: Parameters<typeof archiveMonth>[1]): Promise<void> {
  try {
    const manifest = await archiveMonth(pool, of)
    const { rows, parts } = manifest!
    process.stdout.write(`${of.month}: ${rows} lines in ${parts.length} files\n`)
  } catch (error) {
    if (error instanceof ArchiveIsBusy) throw new UsageError(error.message)
    throw error
  }
}

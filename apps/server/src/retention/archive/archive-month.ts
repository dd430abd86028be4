import { mkdir } from 'node:fs/promises'
import type pg from 'pg'
import { inSnapshot } from '../../db/pool.ts'
import { ARCHIVE_LINES_PER_FILE } from '../../limits.ts'
import { type ArchiveOf, type Manifest, nameOf, readManifest, writeManifest } from './manifest.ts'
import { readMonths, tryToLock } from './store.ts'
import { writePart } from './write-part.ts'

/** Somebody else is archiving: what is to be done is done by them, or later. */
export class ArchiveIsBusy extends Error {
  constructor() {
    super('Somebody else is writing an archive just now. Try again later.')
  }
}

export type Archiving = {
  /** Other than usual, for tests. */
  linesPerFile?: number
  /** Asked before each file. */
  mayGoOn?: () => boolean
}

const DAY_MS = 86_400_000
const BEGINNING = { tenantNo: 0, seq: 0 }

/** The month in which `at` lies, as in 2025-01, UTC. */
export function monthOf(at: number): string {
  return new Date(at).toISOString().slice(0, 7)
}

export function monthBounds(month: string): { from: number; to: number } {
  const [year, number] = month.split('-').map(Number) as [number, number]
  return { from: Date.UTC(year, number - 1), to: Date.UTC(year, number) }
}

/** The first month that may still get lines, from any node whatever its clock says. */
export function firstOpenMonth(now: number): string {
  return monthOf(now - DAY_MS)
}

/** Months before one that have lines, in order. */
export async function monthsBefore(pool: pg.Pool, before: string): Promise<string[]> {
  return (await readMonths(pool)).filter((month) => month < before)
}

/**
 * Writes a month to files, a part after the other, and goes on where somebody stopped. What is complete
 * stays as it is.
 * @returns null: stopped before the end
 * @throws ArchiveIsBusy
 */
export async function archiveMonth(
  pool: pg.Pool,
  of: ArchiveOf,
  { linesPerFile = ARCHIVE_LINES_PER_FILE, mayGoOn = () => true }: Archiving = {},
): Promise<Manifest | null> {
  await mkdir(of.dir, { recursive: true })
  for (;;) {
    const found = await readManifest(of)
    if (found?.complete === true) return found
    if (!mayGoOn()) return null
    await addPart(pool, of, linesPerFile)
  }
}

async function addPart(pool: pg.Pool, of: ArchiveOf, linesPerFile: number): Promise<void> {
  await inSnapshot(pool, async (db) => {
    if (!(await tryToLock(db))) throw new ArchiveIsBusy()
    const { month, tenantId } = of
    // Whoever had the lock before may have gone further.
    const before = await readManifest(of)
    if (before?.complete === true) return
    const parts = before?.parts ?? []
    const number = String(parts.length + 1).padStart(4, '0')
    const path = { dir: of.dir, file: `${nameOf(of)}.${number}.parquet` }
    const after = parts.at(-1)?.through ?? BEGINNING
    const part = await writePart(db, path, { ...monthBounds(month), tenantId, after }, linesPerFile)
    const all = part === null ? parts : [...parts, part]
    await writeManifest(of, {
      archive: 1,
      month,
      tenant_id: tenantId,
      rows: all.reduce((sum, { rows }) => sum + rows, 0),
      complete: part === null || part.rows < linesPerFile,
      parts: all,
    })
  })
}

import { createHash } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type ParquetColumn, ParquetPieces } from '../../analytics/export/parquet.ts'
import type { Queryable } from '../../db/pool.ts'
import { ARCHIVE_LINES_PER_READ } from '../../limits.ts'
import { ARCHIVE_COLUMNS, columnsOf } from './columns.ts'
import type { Part } from './manifest.ts'
import { type PageOf, readArchivePage } from './store.ts'

const COLUMNS = Object.entries(ARCHIVE_COLUMNS).map(
  ([name, type]): ParquetColumn => ({ name, type }),
)

/**
 * One file of at most so many lines, a page of them in memory at a time. It gets its name once all of it is
 * on disk, so a file that has its name is whole.
 * @returns null: there are no more lines
 */
export async function writePart(
  db: Queryable,
  path: { dir: string; file: string },
  of: Omit<PageOf, 'limit'>,
  linesMax: number,
): Promise<Part | null> {
  const temporary = join(path.dir, `${path.file}.${process.pid}.tmp`)
  const handle = await open(temporary, 'w')
  try {
    const written = await writeAll(db, handle, of, linesMax)
    if (written === null) return null
    await handle.sync()
    await rename(temporary, join(path.dir, path.file))
    return { file: path.file, ...written }
  } finally {
    await handle.close()
    await rm(temporary, { force: true })
  }
}

async function writeAll(
  db: Queryable,
  handle: FileHandle,
  of: Omit<PageOf, 'limit'>,
  linesMax: number,
): Promise<Omit<Part, 'file'> | null> {
  const pieces = new ParquetPieces(COLUMNS)
  const hash = createHash('sha256')
  let [rows, bytes] = [0, 0]
  let { after } = of
  const write = async (piece: Buffer) => {
    hash.update(piece)
    bytes += piece.length
    await handle.writeFile(piece)
  }
  while (rows < linesMax) {
    const limit = Math.min(ARCHIVE_LINES_PER_READ, linesMax - rows)
    const page = await readArchivePage(db, { ...of, after, limit })
    const last = page.at(-1)
    if (last === undefined) break
    await write(await pieces.rowGroup(columnsOf(page)))
    rows += page.length
    after = { tenantNo: last.tenant_no, seq: Number(last.seq) }
  }
  if (rows === 0) return null
  await write(await pieces.end())
  return { rows, bytes, sha256: hash.digest('hex'), through: after }
}

import type pg from 'pg'
import { copyOut } from '../../db/copy-out.ts'
import {
  EXPORT_LINES_PER_PAGE_MAX,
  EXPORT_LINES_PER_SCAN_MAX,
  EXPORT_PAGE_BYTES_MAX,
  EXPORT_PAGE_BYTES_MIN,
} from '../../limits.ts'
import { CopiedRows } from './copied-rows.ts'
import { CALL_FIELDS, type CallStretch, FIELD, type Place, pageStatement } from './page-sql.ts'
import { readVoided } from './store.ts'

export type Page = {
  rows: CopiedRows
  /** Calls that were taken back, and the line that did it. */
  voided: ReadonlyMap<number, number>
  senderNos: number[]
  next: Place
}

export const FIRST_LINES = { lines: 1_000, scan: 1_000, bytes: EXPORT_PAGE_BYTES_MIN }

/**
 * The next calls behind a place. Reads no more lines than it should and keeps no more bytes than it may,
 * and has its connection for that long only: who takes the file slowly holds no connection meanwhile.
 */
export async function readPage(
  pool: pg.Pool,
  stretch: CallStretch,
  place: Place,
  signal: AbortSignal,
): Promise<Page> {
  const scanned = Math.min(stretch.through, place.after + place.scan)
  const buffer = new PageBuffer(place.bytes)
  const voided = await onConnection(pool, signal, async (client) => {
    const { after } = place
    await copyOut(client, pageStatement(stretch, { ...place, scanned }), (row) => buffer.add(row))
    return readVoided(client, stretch.tenantNo, { after, to: scanned, through: stretch.through })
  })
  const rows = new CopiedRows(buffer.bytes, buffer.length, CALL_FIELDS.length)
  const { count, lastSeq, senderNos } = survey(rows)
  const isWhole = !buffer.overflowed && count < place.lines
  const after = isWhole ? scanned : lastSeq
  const next = nextPlace(after, count, place, buffer)
  return { rows, voided, senderNos, next }
}

/** Large rows make pages of fewer lines; where nothing is found, more is looked at. */
function nextPlace(after: number, count: number, place: Place, buffer: PageBuffer): Place {
  const lines = buffer.overflowed ? count : Math.min(2 * place.lines, EXPORT_LINES_PER_PAGE_MAX)
  const isSparse = count * 4 < place.scan
  const scan = isSparse ? Math.min(4 * place.scan, EXPORT_LINES_PER_SCAN_MAX) : lines
  return { after, lines, scan: Math.max(scan, lines), bytes: buffer.bytes.length }
}

function survey(rows: CopiedRows): { count: number; lastSeq: number; senderNos: number[] } {
  const senderNos = new Set<number>()
  let count = 0
  let lastSeq = 0
  while (rows.next()) {
    count += 1
    lastSeq = Number(rows.int64(FIELD.seq))
    if (!rows.isNull(FIELD.sender_no)) senderNos.add(rows.int32(FIELD.sender_no))
  }
  rows.rewind()
  return { count, lastSeq, senderNos: [...senderNos] }
}

/** What a page has in memory. Rows that it has no room for are left for the next one. */
class PageBuffer {
  bytes: Buffer
  length = 0
  overflowed = false

  constructor(bytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(bytes)
  }

  add(row: Buffer): void {
    const length = this.length + row.length
    if (this.overflowed || length > EXPORT_PAGE_BYTES_MAX) {
      this.overflowed = true
      return
    }
    if (length > this.bytes.length) this.#grow(length)
    this.bytes.set(row, this.length)
    this.length = length
  }

  #grow(length: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.bytes.length))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
  }
}

/** Who went away wants no answer: the connection is closed at once, whatever it is doing. */
async function onConnection<T>(
  pool: pg.Pool,
  signal: AbortSignal,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const client = await pool.connect()
  let released = false
  const release = (broken: boolean) => {
    if (!released) client.release(broken)
    released = true
  }
  const onAbort = () => release(true)
  // The pool listens to idle connections only, and one that breaks unheard ends the process.
  const onError = () => undefined
  client.on('error', onError)
  signal.addEventListener('abort', onAbort)
  try {
    signal.throwIfAborted()
    const result = await work(client)
    client.off('error', onError)
    release(false)
    return result
  } catch (error) {
    release(true)
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

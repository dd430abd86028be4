import type pg from 'pg'
import { copyOut } from '../../db/copy-out.ts'
import {
  EXPORT_LINES_PER_PAGE_MAX,
  EXPORT_LINES_PER_SCAN_MAX,
  EXPORT_PAGE_BYTES_MAX,
  EXPORT_PAGE_BYTES_MIN,
} from '../../limits.ts'
import { CopiedRows } from './copied-rows.ts'
import {
  type CallStretch,
  FIELD,
  FIELDS,
  FIELDS_SURVEYED,
  type Place,
  pageStatement,
} from './page-sql.ts'
import { readVoided } from './store.ts'

export type Page = {
  rows: CopiedRows
  /** Calls that were taken back, and the line that did it. */
  voided: ReadonlyMap<number, number>
  senderNos: number[]
  next: Place
}

export const FIRST_PLACE: Place = { after: 0, lines: 1_000, scan: 1_000 }

/** Reads the pages of an export into two pieces of memory by turns: a page is good until the next but one. */
export class Pages {
  readonly #pool: pg.Pool
  readonly #stretch: CallStretch
  readonly #signal: AbortSignal
  #buffer = new PageBuffer()
  #other = new PageBuffer()

  constructor(pool: pg.Pool, stretch: CallStretch, signal: AbortSignal) {
    this.#pool = pool
    this.#stretch = stretch
    this.#signal = signal
  }

  /**
   * The next calls behind a place. Reads no more lines than it should and keeps no more bytes than it may,
   * and has its connection for that long only: who takes the file slowly holds no connection meanwhile.
   */
  async read(place: Place): Promise<Page> {
    const buffer = this.#other
    this.#other = this.#buffer
    this.#buffer = buffer
    buffer.clear()
    const { tenantNo, through } = this.#stretch
    const { after } = place
    const scanned = Math.min(through, after + place.scan)
    const voided = await onConnection(this.#pool, this.#signal, async (client) => {
      const statement = pageStatement(this.#stretch, { ...place, scanned })
      await copyOut(client, statement, (part) => buffer.add(part))
      return readVoided(client, tenantNo, { after, to: scanned, through })
    })
    const rows = new CopiedRows(buffer.bytes, buffer.length, FIELDS)
    const { count, lastSeq, senderNos } = survey(rows)
    const isWhole = !buffer.overflowed && count < place.lines
    const next = nextPlace(isWhole ? scanned : lastSeq, count, place, buffer.overflowed)
    return { rows, voided, senderNos, next }
  }
}

/** Large rows make pages of fewer lines; where nothing is found, more is looked at. */
function nextPlace(after: number, count: number, place: Place, overflowed: boolean): Place {
  const lines = overflowed ? count : Math.min(2 * place.lines, EXPORT_LINES_PER_PAGE_MAX)
  const isSparse = count * 4 < place.scan
  const scan = isSparse ? Math.min(4 * place.scan, EXPORT_LINES_PER_SCAN_MAX) : lines
  return { after, lines, scan: Math.max(scan, lines) }
}

function survey(rows: CopiedRows): { count: number; lastSeq: number; senderNos: number[] } {
  const senderNos = new Set<number>()
  let count = 0
  let lastSeq = 0
  let last = 0
  while (rows.next(FIELDS_SURVEYED)) {
    count += 1
    lastSeq = Number(rows.int64(FIELD.seq))
    const senderNo = rows.isNull(FIELD.sender_no) ? last : rows.int32(FIELD.sender_no)
    if (senderNo !== last) senderNos.add(senderNo)
    last = senderNo
  }
  rows.rewind()
  return { count, lastSeq, senderNos: [...senderNos] }
}

/** What a page has in memory. Rows that it has no room for are left for the next one. */
class PageBuffer {
  bytes = Buffer.allocUnsafeSlow(EXPORT_PAGE_BYTES_MIN)
  length = 0
  overflowed = false

  clear(): void {
    this.length = 0
    this.overflowed = false
  }

  add(part: Buffer): void {
    const room = EXPORT_PAGE_BYTES_MAX - this.length
    if (part.length > room) this.overflowed = true
    const length = this.length + Math.min(part.length, room)
    if (length > this.bytes.length) this.#grow(length)
    this.bytes.set(part.subarray(0, room), this.length)
    this.length = length
  }

  #grow(length: number): void {
    const doubled = Math.min(2 * this.bytes.length, EXPORT_PAGE_BYTES_MAX)
    const larger = Buffer.allocUnsafeSlow(Math.max(length, doubled))
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

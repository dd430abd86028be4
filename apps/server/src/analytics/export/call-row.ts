import { entryId } from '../../lib/ids.ts'
import type { CopiedRows } from './copied-rows.ts'
import type { Page } from './page.ts'
import { FIELD } from './page-sql.ts'

export type Sender = { keyId: string | null; memberId: string | null; team: Uint8Array | null }
export type Senders = ReadonlyMap<number, Sender>

const NOBODY: Sender = { keyId: null, memberId: null, team: null }
/** Ids are in base 32: so many lines have all but two digits of theirs together. */
const IDS_TOGETHER = 1_024
const ID_ENDS_CHARS = 2
const ID_ENDS = Buffer.from(
  Array.from({ length: IDS_TOGETHER }, (_, seq) =>
    entryId('evt', 0, seq).slice(-ID_ENDS_CHARS),
  ).join(''),
  'latin1',
)

/** One row of a page at a time, with what is not in the row itself. */
export class CallRow {
  readonly cells: CopiedRows
  /** Where the text is that was located last. */
  source: Uint8Array
  start = 0
  end = 0
  readonly #tenantNo: number
  readonly #voided: ReadonlyMap<number, number>
  readonly #senders: Senders
  #idsFrom = Number.NaN
  #id: Uint8Array = new Uint8Array()

  constructor(tenantNo: number, { rows, voided }: Page, senders: Senders) {
    this.cells = rows
    this.source = rows.bytes
    this.#tenantNo = tenantNo
    this.#voided = voided
    this.#senders = senders
  }

  number(field: number): number | bigint | null {
    return this.cells.isNull(field) ? null : this.cells.int64(field)
  }

  locate(field: number): boolean {
    if (this.cells.isNull(field)) return false
    this.source = this.cells.bytes
    this.start = this.cells.start(field)
    this.end = this.cells.end(field)
    return true
  }

  locateIn(text: Uint8Array | null): boolean {
    if (text === null) return false
    this.source = text
    this.start = 0
    this.end = text.length
    return true
  }

  sender(): Sender {
    if (this.cells.isNull(FIELD.sender_no)) return NOBODY
    return this.#senders.get(this.cells.int32(FIELD.sender_no)) ?? NOBODY
  }

  voidedBy(): number | null {
    if (this.#voided.size === 0) return null
    return this.#voided.get(Number(this.cells.int64(FIELD.seq))) ?? null
  }

  /** Of the next line only the last digits are others. */
  locateEventId(): boolean {
    const seq = Number(this.cells.int64(FIELD.seq))
    const place = seq % IDS_TOGETHER
    if (seq - place !== this.#idsFrom) {
      this.#idsFrom = seq - place
      this.#id = Buffer.from(entryId('evt', this.#tenantNo, seq), 'latin1')
    }
    const end = this.#id.length
    for (let i = 0; i < ID_ENDS_CHARS; i++) {
      this.#id[end - ID_ENDS_CHARS + i] = ID_ENDS[place * ID_ENDS_CHARS + i]!
    }
    return this.locateIn(this.#id)
  }
}

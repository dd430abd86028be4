import { entryId } from '../../lib/ids.ts'
import type { Sender } from './call-columns.ts'
import type { CopiedRows } from './copied-rows.ts'
import type { Page } from './page.ts'
import { FIELD } from './page-sql.ts'

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
  readonly #tenantNo: number
  readonly #voided: ReadonlyMap<number, number>
  readonly #senders: Senders
  #idsFrom = Number.NaN
  #id: Uint8Array = new Uint8Array()
  #senderNo: number | null = null
  #sender = NOBODY

  constructor(tenantNo: number, { rows, voided }: Page, senders: Senders) {
    this.cells = rows
    this.#tenantNo = tenantNo
    this.#voided = voided
    this.#senders = senders
  }

  code(): number {
    return this.cells.int32(FIELD.code)
  }

  /** The same object for the same one. */
  sender(): Sender {
    if (this.cells.isNull(FIELD.sender_no)) return NOBODY
    const senderNo = this.cells.int32(FIELD.sender_no)
    if (senderNo !== this.#senderNo) {
      this.#senderNo = senderNo
      this.#sender = this.#senders.get(senderNo) ?? NOBODY
    }
    return this.#sender
  }

  voidedBy(): number | null {
    if (this.#voided.size === 0) return null
    return this.#voided.get(Number(this.cells.int64(FIELD.seq))) ?? null
  }

  /** Good until the next is asked for, of which only the last digits are others. */
  eventId(): Uint8Array {
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
    return this.#id
  }
}

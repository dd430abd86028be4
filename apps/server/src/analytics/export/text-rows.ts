import { ByteSink } from './byte-sink.ts'
import type { CallColumn, Sender } from './call-columns.ts'
import type { CallRow } from './call-row.ts'

/** How a format puts a row together. */
export type TextFormat = {
  /** What stands before a cell. */
  before(name: string, index: number): string
  /** In place of what a call does not have. */
  absent: string
  /** Around times and ids of calls, which need nothing else. */
  quote: string
  end: string
  /** Writes a text, with what the format needs around it and in it. */
  text(sink: ByteSink, source: Uint8Array, start: number, end: number): void
  json(sink: ByteSink, source: Uint8Array, start: number, end: number): void
}

/** What is done for a cell; for cells beside each other that come from the code, or the sender, it is one thing. */
type Step = {
  action: 'whole' | 'micros' | 'instant' | 'text' | 'json' | 'line' | 'void' | 'code' | 'sender'
  before: Uint8Array
  field: number
  absent: number
  isNegated: boolean
  otherwise: number
}
type Run<From> = { column: Extract<CallColumn, { from: From }>; before: string }[]

const RUN_BYTES_USUAL_MAX = 1_024

/** Writes rows as text. What is the same in all of them, or in many, is made once. */
export class TextRows {
  readonly #format: TextFormat
  readonly #absent: Uint8Array
  readonly #end: Uint8Array
  readonly #steps: Step[] = []
  readonly #codes: Remembered<number>
  readonly #senders: Remembered<Sender>
  readonly #scratch = new ByteSink(RUN_BYTES_USUAL_MAX)

  constructor(format: TextFormat, columns: readonly CallColumn[]) {
    this.#format = format
    this.#absent = Buffer.from(format.absent)
    const codeRuns: Run<'code'>[] = []
    const senderRuns: Run<'sender'>[] = []
    let open = ''
    for (const [index, column] of columns.entries()) {
      const isQuoted = column.from === 'line' || column.type === 'instant'
      const before = open + format.before(column.name, index) + (isQuoted ? format.quote : '')
      open = isQuoted ? format.quote : ''
      const isRunOn = column.from === columns[index - 1]?.from
      if (column.from === 'code') addToRun(codeRuns, { column, before }, isRunOn)
      if (column.from === 'sender') addToRun(senderRuns, { column, before }, isRunOn)
      const step = stepOf(column, before)
      if (!isRunOn || column.from === 'field') this.#steps.push(step)
    }
    this.#end = Buffer.from(open + format.end)
    this.#codes = new Remembered((code) =>
      codeRuns.map((run) =>
        this.#run(run.map(({ column, before }) => [before, column.value(code)])),
      ),
    )
    this.#senders = new Remembered((sender) =>
      senderRuns.map((run) =>
        this.#run(run.map(({ column, before }) => [before, column.value(sender)])),
      ),
    )
  }

  write(sink: ByteSink, row: CallRow): void {
    const { cells } = row
    const coded = this.#codes.of(row.code())
    const sent = this.#senders.of(row.sender())
    let codedRuns = 0
    let sentRuns = 0
    for (const step of this.#steps) {
      sink.put(step.before)
      const { field } = step
      switch (step.action) {
        case 'text':
          if (cells.isNull(field)) sink.put(this.#absent)
          else this.#format.text(sink, cells.bytes, cells.start(field), cells.end(field))
          break
        case 'whole':
          if (cells.isNull(field)) sink.put(this.#absent)
          else sink.whole(cells.int64(field))
          break
        case 'micros':
          if (cells.isNull(field)) sink.micros(step.absent)
          else sink.micros(step.isNegated ? -cells.int64(field) : cells.int64(field))
          break
        case 'instant':
          sink.instant(cells.instant(cells.isNull(field) ? step.otherwise : field))
          break
        case 'code':
          sink.put(coded[codedRuns++]!)
          break
        case 'sender':
          sink.put(sent[sentRuns++]!)
          break
        case 'json':
          if (cells.isNull(field)) sink.put(this.#absent)
          else this.#format.json(sink, cells.bytes, cells.start(field), cells.end(field))
          break
        case 'line':
          sink.put(row.eventId())
          break
        case 'void': {
          const seq = row.voidedBy()
          if (seq === null) sink.put(this.#absent)
          else sink.whole(seq)
        }
      }
    }
    sink.put(this.#end)
  }

  #run(cells: [before: string, value: string | boolean | null][]): Uint8Array {
    const sink = this.#scratch
    sink.length = 0
    for (const [before, value] of cells) {
      sink.text(before)
      if (typeof value === 'string') {
        const text = Buffer.from(value)
        this.#format.text(sink, text, 0, text.length)
      } else sink.text(value === null ? this.#format.absent : String(value))
    }
    return Buffer.from(sink.bytes.subarray(0, sink.length))
  }
}

function addToRun<One>(runs: One[][], one: One, isRunOn: boolean): void {
  if (isRunOn) runs.at(-1)!.push(one)
  else runs.push([one])
}

/** All of one shape: they are looked at for each cell. */
function stepOf(column: CallColumn, before: string): Step {
  const { from } = column
  const isRun = from === 'code' || from === 'sender'
  const step: Step = {
    action: from === 'field' ? column.type : from,
    before: isRun ? new Uint8Array() : Buffer.from(before),
    field: 0,
    absent: 0,
    isNegated: false,
    otherwise: 0,
  }
  return from === 'field' ? Object.assign(step, column) : step
}

/** What is made once for each of a few things. Nearly always the next one is the last one. */
class Remembered<Key> {
  readonly #make: (key: Key) => Uint8Array[]
  readonly #made = new Map<Key, Uint8Array[]>()
  #last: Key | null = null
  #lastMade: Uint8Array[] = []

  constructor(make: (key: Key) => Uint8Array[]) {
    this.#make = make
  }

  of(key: Key): Uint8Array[] {
    if (key === this.#last) return this.#lastMade
    let made = this.#made.get(key)
    if (made === undefined) {
      made = this.#make(key)
      this.#made.set(key, made)
    }
    this.#last = key
    this.#lastMade = made
    return made
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { SenderNames } from '../../ledger/entry-reply.ts'
import type { StoredEntry } from '../../ledger/entry-row.ts'
import { STREAM_POLL_MS, STREAM_READ_PAUSE_MS } from '../../limits.ts'
import {
  type DropReason,
  droppedText,
  entryEvents,
  eventText,
  gapEvent,
  HEARTBEAT,
  preamble,
} from './events.ts'
import { Outlet } from './outlet.ts'

export type StreamPatience = {
  heartbeatMs: number
  slowMs: number
  lastWordsMs: number
  planCheckMs: number
}

export type StreamOptions = {
  tenantNo: number
  /** The last line that the reader has. */
  after: number
  /** The last line that there is. */
  lastSeq: number
  /** False: it ends behind that line. */
  follow: boolean
  /** The plan binds it. */
  gated: boolean
  stillMay(): Promise<boolean>
  /** Breaks the connection of a reader that does not take its last words. */
  abort(): void
}

export type StreamSource = {
  read(tenantNo: number, after: number): Promise<{ entries: StoredEntry[]; names: SenderNames }>
  patience: StreamPatience
}

/** One reader of one log, from a line on. It holds one page of lines, whatever the reader is behind. */
export class LiveStream {
  readonly outlet = new Outlet()
  readonly options: StreamOptions
  #after: number
  #lastSeq: number
  #dropped: DropReason | null = null
  #goOn: (() => void) | null = null
  readonly #source: StreamSource

  constructor(options: StreamOptions, source: StreamSource) {
    this.options = options
    this.#source = source
    this.#after = options.after
    this.#lastSeq = options.lastSeq
    this.outlet.on('close', () => this.#goOn?.())
  }

  /** The log has lines up to this one. */
  grown(lastSeq: number): void {
    if (lastSeq <= this.#lastSeq) return
    this.#lastSeq = lastSeq
    this.#goOn?.()
  }

  drop(reason: DropReason): void {
    this.#dropped ??= reason
    this.#goOn?.()
    this.outlet.hurry()
  }

  /** Until it ends, from whatever side. */
  async run(): Promise<void> {
    this.outlet.push(preamble(this.#after))
    const { lastSeq: through, follow } = this.options
    while (!this.outlet.destroyed && this.#dropped === null) {
      if (this.#after < this.#lastSeq && (follow || this.#after < through)) await this.#sendPage()
      else if (follow) await this.#wait()
      else break
    }
    this.#finish()
  }

  async #sendPage(): Promise<void> {
    const page = await this.#read()
    if (page === null) return
    const { entries, names } = page
    const events = entryEvents(entries, names, this.#after)
    const last = entries.at(-1)?.seq ?? this.#lastSeq
    if (entries.length === 0) events.push(gapEvent(this.#after + 1, last))
    const text = events.map(eventText).join('')
    this.#after = last
    if ((await this.outlet.give(text, this.#source.patience.slowMs)) === 'slow') {
      this.drop('too_slow')
    }
    if (this.#after >= this.#lastSeq && this.options.follow) await sleep(STREAM_READ_PAUSE_MS)
  }

  /** While the database is away there is nothing to send. */
  async #read() {
    try {
      return await this.#source.read(this.options.tenantNo, this.#after)
    } catch {
      await sleep(STREAM_POLL_MS)
      return null
    }
  }

  /** For lines, or for the end; says in between that it is there. */
  async #wait(): Promise<void> {
    const { heartbeatMs, slowMs } = this.#source.patience
    const isQuiet = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(true), heartbeatMs)
      this.#goOn = () => {
        clearTimeout(timer)
        resolve(false)
      }
    })
    this.#goOn = null
    if (isQuiet && (await this.outlet.give(HEARTBEAT, slowMs)) === 'slow') this.drop('too_slow')
  }

  /** Who does not take the rest in time is cut off. */
  #finish(): void {
    if (this.outlet.destroyed) return
    const { slowMs, lastWordsMs } = this.#source.patience
    if (this.#dropped !== null) this.outlet.push(droppedText(this.#dropped))
    this.outlet.push(null)
    // Cleared by nobody: what is over cannot be broken any more.
    setTimeout(this.options.abort, this.#dropped === null ? slowMs : lastWordsMs).unref()
  }
}

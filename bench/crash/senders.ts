import type { Book, SentEvent } from './book.ts'
import type { Random } from './random.ts'

const SENDERS = 16
const BATCH_EVENTS_MAX = 20
const BATCH_SHARE = 0.2
/** Commits are always under way, and yet the whole log can be read and compared in the end. */
const PAUSE_BETWEEN_MS_MAX = 20
/** A request now and then repeats an event that was acknowledged long ago. */
const REPEAT_SHARE = 0.05
/** A request now and then is sent twice at the same moment. */
const TWIN_SHARE = 0.05
const REQUEST_MS_MAX = 15_000
const PAUSE_AFTER_FAILURE_MS = 25
const FINISH_MS_MAX = 120_000
const DECIDED = new Set([200, 402])
const TRY_AGAIN = 503

type Target = { host: string; port: number; serviceKey: string }

type Waiting = { sinceMs: number; left: number; resolve: () => void }

type Result = {
  status?: number
  event_id: string
  seq: number
  decision: string
  reason: string | null
  replayed: boolean
  credits: { charged: number }
}

/** Sends events for as long as it is told to, and everything unanswered again until it is answered. */
export class Senders {
  readonly #book: Book
  readonly #random: Random
  readonly #target: Target
  #stopping = false
  #aborted = false
  #running: Promise<unknown> = Promise.resolve()
  #waiting: Waiting[] = []

  constructor(book: Book, random: Random, target: Target) {
    this.#book = book
    this.#random = random
    this.#target = target
  }

  start(): void {
    this.#running = Promise.all(Array.from({ length: SENDERS }, () => this.#work()))
  }

  /** No new events; resolves when every one that was sent is acknowledged, or it took too long. */
  async finish(): Promise<void> {
    this.#stopping = true
    const tooLong = setTimeout(() => this.abort(), FINISH_MS_MAX)
    await this.#running
    clearTimeout(tooLong)
  }

  /** Gives up at once, with events that are not acknowledged. */
  abort(): void {
    this.#aborted = true
  }

  /** Resolves when so many events of requests that are sent from now on were acknowledged. */
  progressed(events: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ sinceMs: performance.now(), left: events, resolve })
    })
  }

  async #work(): Promise<void> {
    while (!this.#aborted && (!this.#stopping || this.#book.openRetries > 0)) {
      const events = this.#next()
      if (events.length === 0) continue
      const twin = this.#random.chance(TWIN_SHARE) ? this.#send(events) : Promise.resolve()
      await Promise.all([this.#send(events), twin])
      await pause(this.#random.below(PAUSE_BETWEEN_MS_MAX))
    }
  }

  #next(): SentEvent[] {
    const size = this.#random.chance(BATCH_SHARE) ? this.#random.between(2, BATCH_EVENTS_MAX) : 1
    const retries = this.#book.takeRetries(size)
    if (retries.length > 0 || this.#stopping) return retries
    const events = Array.from({ length: size }, () => this.#book.newEvent())
    if (this.#random.chance(REPEAT_SHARE) && this.#book.acknowledged.length > 0) {
      events.push(this.#random.pick(this.#book.acknowledged))
    }
    return events
  }

  async #send(events: SentEvent[]): Promise<void> {
    const sentMs = performance.now()
    // Refused or broken off: what became of such a request is what this is all about.
    const results = await this.#post(events).catch(() => null)
    if (results === null) {
      await pause(PAUSE_AFTER_FAILURE_MS)
      for (const event of events) this.#book.unanswered(event)
    } else {
      this.#take(events, results, sentMs)
    }
  }

  /** The results in order; null where the server asks to come back later. */
  async #post(events: SentEvent[]): Promise<Result[] | null> {
    const bodies = events.map((event) => event.body)
    const response = await fetch(`http://${this.#target.host}:${this.#target.port}/api/track`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${this.#target.serviceKey}`,
      },
      body: JSON.stringify(bodies.length === 1 ? bodies[0] : bodies),
      signal: AbortSignal.timeout(REQUEST_MS_MAX),
    })
    const reply = (await response.json()) as Result | { results: Result[] }
    if (response.status === TRY_AGAIN) return null
    if ('results' in reply) return reply.results
    return [{ ...reply, status: response.status }]
  }

  #take(events: SentEvent[], results: Result[], sentMs: number): void {
    let answered = 0
    if (results.length !== events.length) {
      this.#book.broken.push(`${events.length} events were answered by ${results.length} results`)
    }
    for (const [i, event] of events.entries()) {
      const result = results[i]
      if (result === undefined || result.status === TRY_AGAIN) {
        this.#book.unanswered(event)
      } else if (!DECIDED.has(result.status ?? 0)) {
        this.#book.broken.push(`event ${event.number} was refused: ${JSON.stringify(result)}`)
      } else {
        answered += 1
        this.#book.answered(event, {
          eventId: result.event_id,
          seq: result.seq,
          decision: result.decision,
          reason: result.reason,
          charged: result.credits.charged,
          replayed: result.replayed,
        })
      }
    }
    if (answered > 0) this.#tellProgress(sentMs, answered)
  }

  #tellProgress(sentMs: number, events: number): void {
    for (const one of this.#waiting) if (one.sinceMs <= sentMs) one.left -= events
    const reached = this.#waiting.filter((one) => one.left <= 0)
    this.#waiting = this.#waiting.filter((one) => one.left > 0)
    for (const one of reached) one.resolve()
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

import { randomUUID } from 'node:crypto'
import type { BenchTenant } from '../subject.ts'
import type { Random } from './random.ts'

/** A decision as it came over the wire, as far as it must never change. */
export type Acknowledged = {
  eventId: string
  seq: number
  decision: string
  reason: string | null
  charged: number
}

export type SentEvent = {
  /** Stands in the event's endpoint, so that the log tells which event a line is. */
  readonly number: number
  readonly tenant: number
  readonly body: Readonly<Record<string, unknown>>
  acknowledged: Acknowledged | null
  /** Answers that said they were the first; of those there may be one. */
  firsts: number
}

export type Answer = Acknowledged & { replayed: boolean }

const CREDITS_TENTHS_MAX = 50
const ENDPOINT_PREFIX = '/event/'

/** What was sent and what was acknowledged: the truth that the log is held against afterwards. */
export class Book {
  readonly tenants: BenchTenant[]
  readonly events: SentEvent[] = []
  readonly acknowledged: SentEvent[] = []
  readonly broken: string[] = []
  replays = 0
  readonly #retries: SentEvent[] = []
  readonly #random: Random

  constructor(tenants: BenchTenant[], random: Random) {
    this.tenants = tenants
    this.#random = random
  }

  newEvent(): SentEvent {
    const number = this.events.length
    const tenant = this.#random.below(this.tenants.length)
    const event: SentEvent = {
      number,
      tenant,
      body: {
        idempotency_key: this.#key(number),
        tenant_id: this.tenants[tenant]!.id,
        service_name: 'bench-api',
        endpoint: ENDPOINT_PREFIX + number,
        method: 'POST',
        credits_used: this.#random.below(CREDITS_TENTHS_MAX) / 10,
      },
      acknowledged: null,
      firsts: 0,
    }
    this.events.push(event)
    return event
  }

  /** Nobody knows what became of it: it will be sent again, with the same key and the same body. */
  unanswered(event: SentEvent): void {
    if (event.acknowledged === null) this.#retries.push(event)
  }

  /** Up to so many events that have to be sent again. */
  takeRetries(limit: number): SentEvent[] {
    const taken = this.#retries.splice(0, limit)
    return taken.filter((event) => event.acknowledged === null)
  }

  get openRetries(): number {
    return this.#retries.length
  }

  answered(event: SentEvent, answer: Answer): void {
    const { replayed, ...acknowledged } = answer
    if (replayed) this.replays += 1
    else event.firsts += 1
    if (event.firsts > 1) this.#breaks(event, 'was decided twice as if it were new')
    const before = event.acknowledged
    if (before === null) {
      event.acknowledged = acknowledged
      this.acknowledged.push(event)
      return
    }
    if (JSON.stringify(before) !== JSON.stringify(acknowledged)) {
      const [was, is] = [JSON.stringify(before), JSON.stringify(acknowledged)]
      this.#breaks(event, `was answered ${was}, later ${is}`)
    }
  }

  #breaks(event: SentEvent, what: string): void {
    this.broken.push(`event ${event.number} of ${this.tenants[event.tenant]!.id} ${what}`)
  }

  /** Keys of every kind that is allowed: UUIDs keep their bits in Tollgate, other strings are hashed. */
  #key(number: number): string {
    return this.#random.chance(0.5) ? randomUUID() : `order ${number} / ${randomUUID()} – ü`
  }
}

/** Which event a line of the log is; null when none of ours. */
export function numberOf(endpoint: string | undefined): number | null {
  if (endpoint === undefined || !endpoint.startsWith(ENDPOINT_PREFIX)) return null
  return Number(endpoint.slice(ENDPOINT_PREFIX.length))
}

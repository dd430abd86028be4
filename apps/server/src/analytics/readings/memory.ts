import { LRUCache } from 'lru-cache'
import type { Queryable } from '../../db/pool.ts'
import {
  USAGE_DATES_REMEMBERED_MAX,
  USAGE_REMEMBERED_BYTES_MAX,
  USAGE_REMEMBERED_READING_BYTES_MAX,
} from '../../limits.ts'
import { readAgreesOnDays, readTail, type TailOf } from './store.ts'
import { bytesOf, type Tail, tailFrom } from './tail.ts'

type Reading<T> = {
  read(): Promise<T | null>
  /** About how much memory it takes. */
  bytesOf(rolled: T): number
  /** Who has a connection must not wait for who waits for one. */
  isAlone: boolean
}
/** What was read of rollups, and about how much memory it takes. */
type Remembered = { rolled: object; bytes: number }

const BOUNDS = {
  maxSize: USAGE_REMEMBERED_BYTES_MAX,
  maxEntrySize: USAGE_REMEMBERED_READING_BYTES_MAX,
}
type Bounds = typeof BOUNDS

/**
 * What a node has read of rollups, and of lines that are not in them. Nothing here is ever out of date:
 * rollups are remembered with the line that the folder had come to, and of a log what came since is read
 * each time. It saves work and nothing else: another node, or this one after a start, answers the same.
 */
export class UsageMemory {
  readonly #tails: LRUCache<string, Tail>
  readonly #tailsUnderWay = new Map<string, Promise<Tail>>()
  readonly #rolled: LRUCache<string, Remembered>
  readonly #rolledUnderWay = new Map<string, Promise<object | null>>()
  readonly #agreed = new LRUCache<string, { agrees: boolean; dates: number }>({
    maxSize: USAGE_DATES_REMEMBERED_MAX,
    sizeCalculation: ({ dates }) => dates,
  })

  constructor(bounds: Bounds = BOUNDS) {
    this.#tails = new LRUCache({ ...bounds, sizeCalculation: bytesOf })
    this.#rolled = new LRUCache({ ...bounds, sizeCalculation: ({ bytes }) => bytes })
  }

  /** @param upTo the line that it must hold; Infinity: as things stand, by the rollups as they stand */
  async tail(db: Queryable, of: TailOf, upTo: number): Promise<Tail> {
    const key = [of.tenantNo, of.hourZone, of.property].join(' ')
    // A page asks for several readings at once. What is on its way may be far enough for all of them.
    if (upTo !== Infinity) await this.#tailsUnderWay.get(key)?.catch(none)
    const known = upTo === Infinity ? null : (this.#tails.get(key) ?? null)
    if (known !== null && known.throughSeq >= upTo) return known
    const reading = this.#readTail(db, of, key, known)
    this.#tailsUnderWay.set(key, reading)
    return reading.finally(() => forget(this.#tailsUnderWay, key, reading))
  }

  async #readTail(db: Queryable, of: TailOf, key: string, known: Tail | null): Promise<Tail> {
    const tail = tailFrom(await readTail(db, of, known), known)
    this.#tails.set(key, tail)
    return tail
  }

  /** Whether rollups by the day have the days of these stretches. Neither PostgreSQL nor we learn of zones while we run. */
  async agreesOnDays(db: Queryable, timeZone: string, starts: readonly number[]): Promise<boolean> {
    if (timeZone === 'UTC') return true
    const of = `${timeZone} ${starts.join()}`
    const known = this.#agreed.get(of)
    if (known !== undefined) return known.agrees
    const agrees = await readAgreesOnDays(db, timeZone, starts)
    this.#agreed.set(of, { agrees, dates: starts.length })
    return agrees
  }

  /**
   * @param of what is read, of which tenant, by which rollups, and how far they were
   * @returns null: they have changed
   */
  async rolled<T extends object>(
    of: string,
    { read, bytesOf, isAlone }: Reading<T>,
  ): Promise<T | null> {
    const underWay = isAlone ? undefined : this.#rolledUnderWay.get(of)
    const known = this.#rolled.get(of)?.rolled ?? (await underWay?.catch(none))
    // Whatever has this name was made by the same reading.
    if (known) return known as T
    const reading = read()
    this.#rolledUnderWay.set(of, reading)
    const rolled = await reading.finally(() => forget(this.#rolledUnderWay, of, reading))
    if (rolled !== null) this.#rolled.set(of, { rolled, bytes: of.length + bytesOf(rolled) })
    return rolled
  }
}

/** Who asked first is told what went wrong; who waited for the same reads for itself. */
const none = () => null

function forget<T>(underWay: Map<string, T>, key: string, reading: T): void {
  if (underWay.get(key) === reading) underWay.delete(key)
}

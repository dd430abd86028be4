import type pg from 'pg'
import { inSnapshot, type Queryable } from '../../db/pool.ts'
import {
  DIMENSION_CODES,
  type Dimension,
  EQUALS,
  METRIC_CODES,
  type Metric,
} from '../dimensions.ts'
import { hourZoneOf } from '../rollups/hour-zone.ts'
import { type CallsOf, merged, type UsageOf } from './measures.ts'
import type { UsageMemory } from './memory.ts'
import { unpackedCalls, unpackedHistogram, unpackedUsage } from './packed.ts'
import {
  type Histogram,
  mergedHistogram,
  type Percentiles,
  percentilesOfAll,
} from './percentiles.ts'
import {
  type Asked,
  type RollupsAt,
  readRolledCalls,
  readRolledHistograms,
  readRolledUsage,
} from './store.ts'
import { type Tail, histogramsWithin, usageWithin } from './tail.ts'

/** Usage of one tenant in stretches of time, to the last line of its log. */
export type UsageReader = {
  /** Of each stretch every value once. */
  by(dimensions: readonly Dimension[]): Promise<UsageOf[]>
  /**
   * By stretch, how many calls and no more, which costs less; a value may come several times. A stretch to
   * which nothing came since it was last read has the same list again, so what follows from it can be kept.
   */
  callsBy(dimensions: readonly Dimension[]): Promise<readonly (readonly CallsOf[])[]>
  /** By the values of a property that the catalog counts; `requireCounted` comes first. */
  byProperty(name: string): Promise<UsageOf[]>
  /** By stretch; within 1 %. */
  percentiles(metric: Metric): Promise<Percentiles[]>
  /** Of some stretches: from the first of them, counted from 0, to the one where it ends. */
  part(first: number, end: number): UsageReader
}

export type UsageSource = {
  pool: pg.Pool
  memory: UsageMemory
  tenantNo: number
  timeZone: string
  /** Of the log the line that an answer must go up to, or further. */
  seenSeq: number
}

/** What a reading takes from rollups. */
type Rolled<T> = {
  /** Unlike any other of the same stretches. */
  name: string
  property: string | null
  read(db: Queryable, rollups: RollupsAt): Promise<T | null>
  /** About how much memory it takes. */
  bytesOf(rolled: T): number
}
type Place = { place: number }

const USAGE_BYTES = 300
/** With what is kept that follows from it. */
const CALLS_BYTES = 200
const LIST_BYTES = 50
const BUCKET_BYTES = 16

/**
 * Reads rollups, and adds the lines that are not in them. Whole days are read as such where the rollups
 * have the tenant's, else hours.
 */
export class FoldedReader implements UsageReader {
  readonly #source: UsageSource
  readonly #starts: readonly number[]
  readonly #inDays: boolean
  #startsName: string | null = null
  /** So that what is read for one answer is of one moment, unless the folder goes on meanwhile. */
  readonly #tails: Map<string | null, Promise<Tail>>

  /** @param starts whole hours of the tenant's zone, or days: where stretches begin, and last where the last one ends */
  constructor(
    source: UsageSource,
    starts: readonly number[],
    inDays: boolean,
    tails = new Map<string | null, Promise<Tail>>(),
  ) {
    this.#source = source
    this.#starts = starts
    this.#inDays = inDays
    this.#tails = tails
  }

  part(first: number, end: number): UsageReader {
    const starts = this.#starts.slice(first, end + 1)
    return new FoldedReader(this.#source, starts, this.#inDays, this.#tails)
  }

  async by(dimensions: readonly Dimension[]): Promise<UsageOf[]> {
    const asked = { dimensions: codesOf(dimensions), property: null }
    const { rolled, tail } = await this.#read(this.#usage(asked))
    const isAsked = ({ dimension }: UsageOf) => dimensions.includes(dimension)
    return merged([...(rolled ?? []), ...usageWithin(tail, this.#starts, isAsked)])
  }

  async callsBy(dimensions: readonly Dimension[]): Promise<readonly (readonly CallsOf[])[]> {
    const asked = { dimensions: codesOf(dimensions), property: null }
    const { rolled, tail } = await this.#read<CallsOf[][]>({
      name: `calls by ${asked.dimensions}`,
      property: null,
      read: async (db, rollups) => {
        const packed = await readRolledCalls(db, this.#stretches, asked, rollups)
        return packed && byPlace(unpackedCalls(packed), this.#places)
      },
      bytesOf: (lists) => {
        return lists.reduce((sum, { length }) => sum + LIST_BYTES + length * CALLS_BYTES, 0)
      },
    })
    const isAsked = ({ dimension }: UsageOf) => dimensions.includes(dimension)
    const added = byPlace(usageWithin(tail, this.#starts, isAsked), this.#places)
    if (rolled === null) return added
    return rolled.map((list, place) => {
      return added[place]!.length === 0 ? list : [...list, ...added[place]!]
    })
  }

  async byProperty(name: string): Promise<UsageOf[]> {
    const asked = { dimensions: codesOf(['property']), property: name }
    const { rolled, tail } = await this.#read(this.#usage(asked))
    const isAsked = ({ dimension, value }: UsageOf) =>
      dimension === 'property' && value.startsWith(name + EQUALS)
    const all = merged([...(rolled ?? []), ...usageWithin(tail, this.#starts, isAsked)])
    return withoutName(name, all)
  }

  async percentiles(metric: Metric): Promise<Percentiles[]> {
    const code = METRIC_CODES[metric]
    const { rolled, tail } = await this.#read<(Histogram & Place)[]>({
      name: `histograms of ${code}`,
      property: null,
      read: async (db, rollups) => {
        const rows = await readRolledHistograms(db, this.#stretches, code, rollups)
        return rows && mergedByPlace(rows.map(unpackedHistogram))
      },
      bytesOf: (rows) => {
        return rows.reduce((sum, { buckets }) => sum + buckets.length * BUCKET_BYTES, 0)
      },
    })
    const all = [...(rolled ?? []), ...histogramsWithin(tail, this.#starts, metric)]
    return percentilesByPlace(all, this.#places)
  }

  get #places(): number {
    return this.#starts.length - 1
  }

  get #stretches() {
    return { tenantNo: this.#source.tenantNo, starts: this.#starts }
  }

  #usage(asked: Asked): Rolled<UsageOf[]> {
    return {
      name: `usage by ${asked.dimensions} ${asked.property ?? ''}`,
      property: asked.property,
      read: async (db, rollups) => {
        const packed = await readRolledUsage(db, this.#stretches, asked, rollups)
        return packed && unpackedUsage(packed)
      },
      bytesOf: ({ length }) => length * USAGE_BYTES,
    }
  }

  /** Where the folder has gone on between the tail and the rollups, both are read again in one snapshot. */
  async #read<T extends object>(of: Rolled<T>): Promise<{ rolled: T | null; tail: Tail }> {
    const { pool } = this.#source
    const tail = await this.#tail(of.property)
    const found = await this.#readBehind(pool, tail, of)
    if (found !== 'moved') return { rolled: found, tail }
    return inSnapshot(pool, async (db) => {
      const tail = await this.#readTail(db, of.property, Infinity)
      const rolled = await this.#readBehind(db, tail, of)
      if (rolled === 'moved') throw new Error('The rollups changed within a snapshot')
      return { rolled, tail }
    })
  }

  #tail(property: string | null): Promise<Tail> {
    const { pool, seenSeq } = this.#source
    const known = this.#tails.get(property) ?? this.#readTail(pool, property, seenSeq)
    this.#tails.set(property, known)
    return known
  }

  /** By a property that the rollups have not counted, all is read from the log. */
  async #readTail(db: Queryable, property: string | null, upTo: number): Promise<Tail> {
    const { memory, tenantNo, timeZone } = this.#source
    const of = { tenantNo, hourZone: hourZoneOf(timeZone) }
    const tail = await memory.tail(db, { ...of, property: null }, upTo)
    if (property === null || tail.properties.includes(property)) return tail
    return memory.tail(db, { ...of, property }, upTo)
  }

  async #readBehind<T extends object>(
    db: Queryable,
    { generation, foldedSeq, timeZone }: Tail,
    { name, read, bytesOf }: Rolled<T>,
  ): Promise<T | null | 'moved'> {
    if (generation === null) return null
    const { memory, tenantNo } = this.#source
    const byDay =
      this.#inDays &&
      timeZone === this.#source.timeZone &&
      (await memory.agreesOnDays(db, timeZone, this.#starts))
    const rollups = { generation, foldedSeq, byDay }
    this.#startsName ??= this.#starts.join()
    const of = [tenantNo, generation, foldedSeq, byDay, name, this.#startsName].join(' ')
    const rolled = await memory.rolled(of, {
      read: () => read(db, rollups),
      bytesOf,
      isAlone: db !== this.#source.pool,
    })
    return rolled ?? 'moved'
  }
}

export function codesOf(dimensions: readonly Dimension[]): number[] {
  return dimensions.map((dimension) => DIMENSION_CODES[dimension])
}

export function withoutName(property: string, usages: readonly UsageOf[]): UsageOf[] {
  const from = property.length + EQUALS.length
  return usages.map((one) => ({ ...one, value: one.value.slice(from) }))
}

export function byPlace<T extends Place>(rows: readonly T[], places: number): T[][] {
  const found = Array.from({ length: places }, (): T[] => [])
  for (const row of rows) found[row.place]!.push(row)
  return found
}

function mergedByPlace(histograms: readonly (Histogram & Place)[]): (Histogram & Place)[] {
  const found = Map.groupBy(histograms, ({ place }) => place)
  return [...found].map(([place, own]) => ({ place, ...mergedHistogram(own) }))
}

export function percentilesByPlace(
  histograms: readonly (Histogram & Place)[],
  places: number,
): Percentiles[] {
  return byPlace(histograms, places).map(percentilesOfAll)
}

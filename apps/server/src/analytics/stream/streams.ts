import type pg from 'pg'
import type { Logger } from 'pino'
import type { Catalog } from '../../catalog/catalog.ts'
import { sendersOf } from '../../ledger/entry-reply.ts'
import { logLengths, logOf } from '../../ledger/log.ts'
import { accountsAt } from '../../ledger/readings.ts'
import type { Watchers } from '../../ledger/watchers.ts'
import { type Clock, monotonicMs } from '../../lib/clock.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import {
  STREAM_HEARTBEAT_MS,
  STREAM_LAST_WORDS_MS,
  STREAM_LINES_PER_READ,
  STREAM_PLAN_CHECK_MS,
  STREAM_POLL_MS,
  STREAM_READS_AT_ONCE_MAX,
  STREAM_SLOW_MS,
  STREAMS_MAX,
  STREAMS_PER_TENANT_MAX,
} from '../../limits.ts'
import type { SenderNamesOf } from '../answer.ts'
import { needOf } from '../gate.ts'
import { LiveStream, type StreamOptions, type StreamPatience } from './live-stream.ts'
import { Turns } from './turns.ts'

export type StreamsDependencies = {
  pool: pg.Pool
  catalog: Catalog
  clock: Clock
  watchers: Watchers
  senderNames: SenderNamesOf
  log: Pick<Logger, 'warn' | 'error'>
  /** Other than usual, for tests. */
  patience?: Partial<StreamPatience> | undefined
}

/**
 * The live streams of a node. The logs are the truth: what this node commits it hears of at once, for
 * what others commit it asks once a second, for all tenants that have a reader here. Without readers it
 * does nothing.
 */
export class LiveStreams {
  readonly #deps: StreamsDependencies
  readonly #patience: StreamPatience
  readonly #byTenant = new Map<number, Set<LiveStream>>()
  readonly #checking = new Set<LiveStream>()
  readonly #turns = new Turns(STREAM_READS_AT_ONCE_MAX)
  #count = 0
  #timer: NodeJS.Timeout | null = null
  #polling = false
  #plansSeenAt = -Infinity
  #onEmpty: (() => void) | null = null
  #stopping = false

  constructor(deps: StreamsDependencies) {
    this.#deps = deps
    this.#patience = {
      heartbeatMs: STREAM_HEARTBEAT_MS,
      slowMs: STREAM_SLOW_MS,
      lastWordsMs: STREAM_LAST_WORDS_MS,
      planCheckMs: STREAM_PLAN_CHECK_MS,
      ...deps.patience,
    }
  }

  /** @throws ProblemError too_many_streams */
  open(options: StreamOptions): LiveStream {
    const { tenantNo } = options
    const streams = this.#byTenant.get(tenantNo) ?? new Set()
    if (streams.size >= STREAMS_PER_TENANT_MAX) {
      const detail = `The tenant has ${streams.size} streams open here, which is the limit.`
      throw new ProblemError('too_many_streams', { detail })
    }
    if (this.#count >= STREAMS_MAX) {
      const detail = `This server has ${this.#count} streams open, which is the limit.`
      throw new ProblemError('too_many_streams', { detail })
    }
    const stream = new LiveStream(options, {
      read: (no, after) => this.#turns.take(() => this.#read(no, after)),
      patience: this.#patience,
    })
    // It was let in a moment before.
    if (this.#stopping) stream.drop('stopping')
    streams.add(stream)
    this.#byTenant.set(tenantNo, streams)
    this.#count += 1
    if (streams.size === 1) this.#watch(tenantNo)
    this.#timer ??= setInterval(() => this.#look(), STREAM_POLL_MS).unref()
    // A line of before the watcher was there would else be seen a second later.
    void this.#poll()
    return stream
  }

  /** Its reader is gone. */
  close(stream: LiveStream): void {
    const { tenantNo } = stream.options
    const streams = this.#byTenant.get(tenantNo)
    if (streams?.delete(stream) !== true) return
    this.#count -= 1
    if (streams.size === 0) {
      this.#byTenant.delete(tenantNo)
      this.#deps.watchers.delete(tenantNo)
    }
    if (this.#count > 0) return
    clearInterval(this.#timer!)
    this.#timer = null
    this.#onEmpty?.()
  }

  /** Tells all readers to connect again, elsewhere. */
  async stop(): Promise<void> {
    this.#stopping = true
    if (this.#count === 0) return
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
    for (const stream of this.#all()) stream.drop('stopping')
    await empty
  }

  #all(): LiveStream[] {
    return [...this.#byTenant.values()].flatMap((streams) => [...streams])
  }

  #watch(tenantNo: number): void {
    this.#deps.watchers.set(tenantNo, (lastSeq) => this.#grown(tenantNo, lastSeq))
  }

  #grown(tenantNo: number, lastSeq: number): void {
    for (const stream of this.#byTenant.get(tenantNo) ?? []) stream.grown(lastSeq)
  }

  async #read(tenantNo: number, after: number) {
    const entries = await logOf(this.#deps.pool, tenantNo).after(after, STREAM_LINES_PER_READ)
    const senders = sendersOf(entries)
    const names = senders.length === 0 ? new Map() : await this.#deps.senderNames(senders)
    return { entries, names }
  }

  #look(): void {
    void this.#poll()
    for (const stream of this.#all()) void this.#check(stream)
    if (monotonicMs() - this.#plansSeenAt >= this.#patience.planCheckMs) void this.#checkPlans()
  }

  async #poll(): Promise<void> {
    if (this.#polling) return
    this.#polling = true
    try {
      const lengths = await logLengths(this.#deps.pool, [...this.#byTenant.keys()])
      for (const [tenantNo, lastSeq] of lengths) this.#grown(tenantNo, lastSeq)
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'looking for new lines failed')
    } finally {
      this.#polling = false
    }
  }

  /** From memory nearly always; what cannot be asked now is asked again. */
  async #check(stream: LiveStream): Promise<void> {
    if (this.#checking.has(stream)) return
    this.#checking.add(stream)
    try {
      if (!(await stream.options.stillMay())) stream.drop('unauthorized')
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'looking whether a stream may go on failed')
    } finally {
      this.#checking.delete(stream)
    }
  }

  async #checkPlans(): Promise<void> {
    this.#plansSeenAt = monotonicMs()
    const { pool, catalog, clock, log } = this.#deps
    try {
      const accounts = await accountsAt(pool, catalog, [...this.#byTenant.keys()], clock.now())
      for (const stream of this.#all()) {
        const terms = accounts.get(stream.options.tenantNo)?.terms
        const has = terms === undefined || needOf('realtime').has(terms.features)
        if (stream.options.gated && !has) stream.drop('plan_feature_required')
      }
    } catch (error) {
      log.warn({ err: error }, 'looking at the plans of streams failed')
    }
  }
}

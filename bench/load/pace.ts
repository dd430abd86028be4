import { Connection } from './connection.ts'
import type { LoadPlan, Pace } from './plan.ts'
import { type RequestSource, requestSource } from './request.ts'
import { Tally } from './tally.ts'

const TICK_MS = 1
/** After the last request was sent, an answer may take this long before it counts as missing. */
const DRAIN_MS_MAX = 30_000
const STALL_MS_MAX = 60_000

/** Sends what the plan says and counts what comes back. Ends when every request was answered or lost. */
export async function drive(plan: LoadPlan): Promise<Tally> {
  const run = new Run(plan)
  await run.connect()
  if (plan.pace.kind === 'open') await run.open(plan.pace)
  else await run.closed(plan.pace)
  await run.drain()
  return run.tally
}

class Run {
  readonly tally = new Tally()
  readonly #plan: LoadPlan
  readonly #connections: Connection[] = []
  readonly #sources: RequestSource[]
  /** Per connection: since when its request is under way. */
  readonly #sinceMs: Float64Array
  readonly #busy: Uint8Array
  #inFlight = 0
  #onFree: (connection: Connection) => void = () => {}
  #onIdle: () => void = () => {}
  #onAllLost: (error: Error) => void = () => {}

  constructor(plan: LoadPlan) {
    this.#plan = plan
    const authority = `${plan.host}:${plan.port}`
    this.#sources = Array.from({ length: plan.connections }, (_, i) =>
      requestSource(plan.requests, authority, i),
    )
    this.#sinceMs = new Float64Array(plan.connections)
    this.#busy = new Uint8Array(plan.connections)
  }

  async connect(): Promise<void> {
    const { host, port, connections } = this.#plan
    for (let index = 0; index < connections; index++) {
      const connection = await Connection.open(
        { host, port, index },
        {
          onReply: (from, reply) => {
            const events = this.#sources[from.index]!.eventsPerRequest
            this.tally.reply(reply, events, this.#sinceMs[from.index]!)
            this.#release(from)
          },
          onLost: (from, error) => this.#lost(from, error),
        },
      )
      this.#connections.push(connection)
    }
  }

  /** Every connection asks again as soon as it was answered. */
  async closed(pace: Exclude<Pace, { kind: 'open' }>): Promise<void> {
    let left = pace.kind === 'count' ? pace.requests : Number.POSITIVE_INFINITY
    const finished = new Promise<void>((resolve, reject) => {
      this.#onAllLost = reject
      this.#onFree = (connection) => {
        if (left-- > 0) this.#send(connection, performance.now())
        else if (this.#inFlight === 0) resolve()
      }
    })
    if (pace.kind === 'count') this.tally.startMeasuring()
    for (const connection of this.#connections) this.#onFree(connection)
    if (pace.kind === 'count') await Promise.race([finished, this.#stalled()])
    else await Promise.race([this.#measure(pace), finished])
    this.tally.stopMeasuring()
    this.#onFree = () => {}
  }

  /** Requests are due at even distances; one that finds no free connection waits, and its wait counts. */
  async open(pace: Extract<Pace, { kind: 'open' }>): Promise<void> {
    const free = [...this.#connections]
    const distanceMs = 1_000 / pace.requestsPerSecond
    let dueMs = performance.now()
    const sendDue = (): void => {
      const nowMs = performance.now()
      while (dueMs <= nowMs && free.length > 0) {
        // In turn, so that none is idle for so long that the server closes it.
        const connection = free.shift()!
        if (!connection.isOpen) continue
        this.#send(connection, dueMs)
        dueMs += distanceMs
      }
    }
    const allLost = new Promise<never>((_, reject) => {
      this.#onAllLost = reject
    })
    this.#onFree = (connection) => {
      free.push(connection)
      sendDue()
    }
    const ticks = setInterval(sendDue, TICK_MS)
    try {
      await Promise.race([this.#measure(pace), allLost])
    } finally {
      clearInterval(ticks)
      this.tally.stopMeasuring()
      this.#onFree = () => {}
    }
  }

  async drain(): Promise<void> {
    if (this.#inFlight > 0) {
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#onIdle = resolve
        }),
        after(DRAIN_MS_MAX, false),
      ])
    }
    for (const connection of this.#connections) {
      if (this.#busy[connection.index] === 1)
        this.tally.failure('no answer', 'within the drain time')
      connection.close()
    }
  }

  /** Rejects when no answer has come for too long. */
  async #stalled(): Promise<never> {
    let answered = -1
    while (this.tally.total.requests > answered) {
      answered = this.tally.total.requests
      await after(STALL_MS_MAX, false)
    }
    throw new Error(`no answer came within ${STALL_MS_MAX / 1_000} s`)
  }

  async #measure(pace: { warmupMs: number; measureMs: number }): Promise<void> {
    await after(pace.warmupMs)
    this.tally.startMeasuring()
    await after(pace.measureMs)
  }

  #send(connection: Connection, sinceMs: number): void {
    this.#sinceMs[connection.index] = sinceMs
    this.#busy[connection.index] = 1
    this.#inFlight += 1
    connection.send(this.#sources[connection.index]!.next())
  }

  #release(connection: Connection): void {
    this.#busy[connection.index] = 0
    this.#inFlight -= 1
    this.#onFree(connection)
    if (this.#inFlight === 0) this.#onIdle()
  }

  #lost(connection: Connection, error: Error): void {
    this.#connections.splice(this.#connections.indexOf(connection), 1)
    // A server may close a connection that has nothing to do.
    if (this.#busy[connection.index] === 1) {
      this.tally.failure('connection lost', error.message)
      this.#busy[connection.index] = 0
      this.#inFlight -= 1
    }
    if (this.#connections.length === 0) this.#onAllLost(error)
    else if (this.#inFlight === 0) this.#onIdle()
  }
}

function after(ms: number, keepsRunning = true): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    if (!keepsRunning) timer.unref()
  })
}

import type { Catalog } from '../catalog/catalog.ts'
import type { Clock } from '../lib/clock.ts'
import { LANES_COUNT } from '../limits.ts'
import type { Order } from './command-of.ts'
import { Lane, type LaneDependencies } from './lane.ts'
import { LaneMeter } from './meter.ts'
import type { IdempotencyKey } from './store.ts'
import { LedgerError, type Receipt, Submission } from './submission.ts'
import { Watchers } from './watchers.ts'

/** The way into every tenant's log. */
export class Ledger {
  readonly meter = new LaneMeter()
  readonly watchers = new Watchers()
  private readonly lanes: Lane[]

  constructor(deps: {
    connect: LaneDependencies['connect']
    catalog: Catalog
    clock: Clock
    onError: (error: unknown) => void
  }) {
    const { meter, watchers } = this
    this.lanes = Array.from({ length: LANES_COUNT }, () => new Lane({ ...deps, meter, watchers }))
  }

  /**
   * Carries out one order exactly once per tenant and key.
   * @param onAnswer called after the commit, or with what kept it from happening
   */
  send(
    tenantNo: number,
    senderNo: number | null,
    order: Order,
    idempotency: IdempotencyKey,
    onAnswer: (answer: Receipt | LedgerError) => void,
  ): void {
    const lane = this.lanes[tenantNo % LANES_COUNT]!
    lane.submit(new Submission(tenantNo, senderNo, order, idempotency, onAnswer))
  }

  /**
   * As `send`, as a promise.
   * @throws {LedgerError}
   */
  submit(
    tenantNo: number,
    senderNo: number | null,
    order: Order,
    idempotency: IdempotencyKey,
  ): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      this.send(tenantNo, senderNo, order, idempotency, (answer) => {
        if (answer instanceof LedgerError) reject(answer)
        else resolve(answer)
      })
    })
  }

  /** Waits until everything that was submitted is answered, and closes the connections. */
  async close(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.drain()))
  }
}

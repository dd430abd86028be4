import { ProblemError } from '../../lib/problem-error.ts'
import {
  EXPORT_RETRY_AFTER_SECONDS,
  EXPORTS_PER_NODE_MAX,
  EXPORTS_PER_TENANT_MAX,
} from '../../limits.ts'

/** How many exports run at a time on this node, so that they leave connections and time to everybody else. */
export class ExportSlots {
  readonly #running = new Map<number, number>()
  #all = 0

  /** @returns what gives the slot back, once. @throws ProblemError too_many_requests, overloaded */
  take(tenantNo: number): () => void {
    const running = this.#running.get(tenantNo) ?? 0
    const retryAfterSeconds = EXPORT_RETRY_AFTER_SECONDS
    if (running >= EXPORTS_PER_TENANT_MAX) {
      const detail = `At most ${EXPORTS_PER_TENANT_MAX} exports of a tenant run at a time.`
      throw new ProblemError('too_many_requests', { detail, retryAfterSeconds })
    }
    if (this.#all >= EXPORTS_PER_NODE_MAX) {
      const detail = 'Too many exports are running here.'
      throw new ProblemError('overloaded', { detail, retryAfterSeconds })
    }
    this.#running.set(tenantNo, running + 1)
    this.#all += 1
    let isTaken = true
    return () => {
      if (!isTaken) return
      isTaken = false
      this.#all -= 1
      const left = this.#running.get(tenantNo)! - 1
      if (left === 0) this.#running.delete(tenantNo)
      else this.#running.set(tenantNo, left)
    }
  }
}

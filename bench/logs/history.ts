import { type Order, commandOf } from '../../apps/server/src/ledger/command-of.ts'
import { decide } from '../../apps/server/src/ledger/decide.ts'
import { type Batch, type Line, writeBatch } from '../../apps/server/src/ledger/store.ts'
import type { Call } from '../../apps/server/src/ledger/types.ts'
import { MICROS_PER_UNIT } from '../../apps/server/src/lib/micros.ts'
import { CannotMeasure } from '../failure.ts'
import { progress, whole } from '../report.ts'
import type { Customer, Place } from './tenants.ts'

/** Times in which everybody's calls of a stretch come: so lines of a tenant do not lie side by side. */
const TURNS = 24
const LINES_PER_BATCH = 2_000
/** A prepaid tenant can pay for so many calls, and some make more. */
const CREDITS_GRANTED = 110n * MICROS_PER_UNIT
const PROGRESS_LINES = 250_000

const CALL: Call = {
  service: 'bench-api',
  endpoint: '/convert',
  method: 'POST',
  failed: false,
  region: 'eu',
  feature: null,
  fileType: 'pdf',
  outputFormat: null,
  errorCode: null,
  fileSizeBytes: 48_213,
  processingTimeMs: 120,
  tokenCount: null,
  quantity: MICROS_PER_UNIT,
  properties: null,
  occurredAt: null,
  selfReported: false,
  reportedCredits: null,
  reportedPremium: null,
}
const CREDITS: Order = {
  kind: 'grant',
  credits: CREDITS_GRANTED,
  priority: 100,
  expiresAt: null,
  reason: 'bench',
  bought: false,
}

export type Sent = { customer: Customer; calls: number }

/**
 * Makes the logs that lanes would have made in a stretch of time: the same rule decides, the same
 * statement writes, only the clock is somebody else's.
 * @param callOf what is special about the call of this number
 * @returns how many lines were written
 */
export async function writeHistory(
  { pool, catalog }: Place,
  sent: readonly Sent[],
  { from, to }: { from: number; to: number },
  callOf: (index: number) => Partial<Call> = () => ({}),
): Promise<number> {
  const key = keys()
  let lines = 0
  let told = 0
  let batch: Batch = { accounts: [], lines: [] }
  const flush = async () => {
    if (batch.lines.length > 0) await writeBatch(pool, batch)
    lines += batch.lines.length
    batch = { accounts: [], lines: [] }
    if (lines - told < PROGRESS_LINES) return
    told = lines
    progress(`${whole(lines)} lines written`)
  }
  const carryOut = (customer: Customer, order: Order, at: number): void => {
    const { account } = customer
    const terms = catalog.planVersion(account.planVersionNo)!
    const outcome = decide(account, commandOf(order, null, account, catalog, at), terms, at)
    if (outcome.refusal !== null) throw new CannotMeasure(`refused: ${outcome.refusal}`)
    const { tenantNo } = account
    customer.account = outcome.account
    for (const entry of outcome.entries) {
      batch.lines.push({ tenantNo, senderNo: null, entry, idempotency: key() })
      if (entry.kind !== 'call') continue
      if (entry.reason === null) customer.allowed += 1
      else customer.denied += 1
    }
  }
  const turnMs = (to - from) / TURNS
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const { customer, calls } of sent) {
      const [first, end] = [share(calls, turn), share(calls, turn + 1)]
      let beforeSeq = customer.account.lastSeq
      const moved = () => {
        if (customer.account.lastSeq === beforeSeq) return
        batch.accounts.push({ beforeSeq, after: customer.account })
        beforeSeq = customer.account.lastSeq
      }
      if (turn === 0 && customer.plan === 'prepaid') carryOut(customer, CREDITS, from)
      for (let call = first; call < end; call += 1) {
        const at = from + turn * turnMs + ((call - first) * turnMs) / (end - first)
        carryOut(customer, { kind: 'call', call: { ...CALL, ...callOf(call) } }, Math.floor(at))
        if (batch.lines.length < LINES_PER_BATCH) continue
        moved()
        await flush()
      }
      moved()
    }
    await flush()
  }
  return lines
}

function share(calls: number, turn: number): number {
  return Math.floor((calls * turn) / TURNS)
}

/** Keys that grow, as those of senders that follow the advice do. */
function keys(): () => Line['idempotency'] {
  const bytes = Buffer.alloc(16)
  crypto.getRandomValues(bytes.subarray(8, 12))
  let no = 0
  return () => {
    no += 1
    bytes.writeUInt32BE(no, 4)
    return { key: bytes.toString('latin1'), fingerprint: 0 }
  }
}

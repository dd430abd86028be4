import {
  BATCH_EVENTS_MAX,
  DENIAL_STATUS,
  type TrackEvent,
  type TrackReply,
  trackEvent,
} from '@tollgate/contract'
import type { Catalog } from '../catalog/catalog.ts'
import type { Caller } from '../lib/caller.ts'
import type { Clock } from '../lib/clock.ts'
import { makeIdempotencyKey, storedKey } from '../lib/idempotency.ts'
import { invalidField, ProblemError } from '../lib/problem-error.ts'
import { fieldErrors } from '../lib/zod-errors.ts'
import { decisionReply } from './decision-reply.ts'
import { callFingerprint, callFrom, DEFAULT_SERVICE } from './event-input.ts'
import type { Ledger } from './ledger.ts'
import { planAtHand } from './plan-at-hand.ts'
import { rateHeaders } from './rate-headers.ts'
import { refused } from './refusals.ts'
import { LedgerError } from './submission.ts'
import { timeOf } from './subscription.ts'
import type { Call } from './types.ts'

export type TrackDependencies = { ledger: Ledger; catalog: Catalog; clock: Clock }

export type Sender = {
  caller: Caller
  /** At once where the tenant is known; otherwise the database is asked. */
  tenantNo(tenantId: string | undefined): number | Promise<number>
}

export type TrackAnswer = { status: number; headers: Record<string, string>; body: object }

/**
 * Answers a request to track: one event with the status of its decision, a batch with 200 and one
 * result for each event, in order.
 * @param toProblem how what kept an event of a batch out is told
 * @throws ProblemError invalid_request, tenant_not_found; LedgerError
 */
export async function answerTrack(
  deps: TrackDependencies,
  sender: Sender,
  body: unknown,
  toProblem: (error: unknown) => object,
): Promise<TrackAnswer> {
  if (!Array.isArray(body)) {
    const [tracked] = (await trackAll(deps, sender, [body])) as [Tracked]
    if (tracked instanceof Error) throw tracked
    const { reply, now } = tracked
    return { status: statusOfDecision(reply), headers: rateHeaders(reply, now), body: reply }
  }
  checkBatchSize(body)
  const results = (await trackAll(deps, sender, body)).map((tracked) =>
    tracked instanceof Error
      ? toProblem(tracked)
      : { status: statusOfDecision(tracked.reply), ...tracked.reply },
  )
  return { status: 200, headers: {}, body: { results } }
}

export function checkBatchSize(events: unknown[]): void {
  if (events.length === 0) throw invalidField('body', 'an empty batch')
  if (events.length > BATCH_EVENTS_MAX) {
    throw invalidField('body', `at most ${BATCH_EVENTS_MAX} events; there are ${events.length}`)
  }
}

/**
 * What became of one event: its decision and the tenant's own time at which it is told, or the
 * ProblemError or LedgerError that kept it out.
 */
type Tracked = { reply: TrackReply; now: number } | Error

/** One promise for all events of a request, since thousands a second pass here. */
function trackAll(
  deps: TrackDependencies,
  sender: Sender,
  inputs: readonly unknown[],
): Promise<Tracked[]> {
  const tracked = new Array<Tracked>(inputs.length)
  let open = inputs.length
  return new Promise((resolve) => {
    inputs.forEach((input, index) => {
      track(deps, sender, input, (outcome) => {
        tracked[index] = outcome
        open -= 1
        if (open === 0) resolve(tracked)
      })
    })
  })
}

/** Checks and submits one event; answers after its line is committed. */
function track(
  deps: TrackDependencies,
  sender: Sender,
  input: unknown,
  answer: (outcome: Tracked) => void,
): void {
  try {
    const event = parseEvent(input)
    const call = callFrom(event, serviceOf(sender.caller), sender.caller)
    const idempotencyKey = event.idempotency_key ?? makeIdempotencyKey()
    const send = (tenantNo: number) => {
      submitCall(deps, sender, tenantNo, call, idempotencyKey, answer)
    }
    const tenantNo = sender.tenantNo(tenantIdOf(event))
    if (typeof tenantNo === 'number') send(tenantNo)
    else tenantNo.then(send, answer)
  } catch (error) {
    answer(error as Error)
  }
}

function submitCall(
  { ledger, catalog, clock }: TrackDependencies,
  { caller }: Sender,
  tenantNo: number,
  call: Call,
  idempotencyKey: string,
  answer: (outcome: Tracked) => void,
): void {
  const idempotency = {
    key: storedKey(idempotencyKey),
    fingerprint: callFingerprint('call', call),
  }
  ledger.send(tenantNo, caller.senderNo, { kind: 'call', call }, idempotency, (receipt) => {
    if (receipt instanceof LedgerError) answer(receipt)
    else if (receipt.refusal !== null) answer(refused(receipt.refusal))
    else {
      const terms = planAtHand(catalog, receipt.account.planVersionNo)
      const reply = decisionReply(receipt, terms, idempotencyKey, caller.senderNo)
      answer({ reply, now: timeOf(receipt.account, clock.now()) })
    }
  })
}

function statusOfDecision({ reason }: TrackReply): number {
  return reason === null ? 200 : DENIAL_STATUS[reason]
}

/** Where an event does not name its service: the one whose key sent it. */
function serviceOf(caller: Caller): string {
  return caller.serviceName ?? DEFAULT_SERVICE
}

function parseEvent(input: unknown): TrackEvent {
  if (input instanceof ProblemError) throw input
  // No body is null or undefined, as it came; it should read the same.
  const parsed = trackEvent.safeParse(input ?? undefined)
  if (parsed.success) return parsed.data
  throw new ProblemError('invalid_request', { errors: fieldErrors(parsed.error.issues) })
}

function tenantIdOf(event: TrackEvent): string | undefined {
  const { tenant_id, account_id } = event
  if (tenant_id !== undefined && account_id !== undefined && tenant_id !== account_id) {
    throw invalidField(
      'account_id',
      'another name for tenant_id: if both are given they must be equal',
    )
  }
  return tenant_id ?? account_id
}

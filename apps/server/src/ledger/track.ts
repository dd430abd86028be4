import { DENIAL_STATUS, type TrackEvent, type TrackReply, trackEvent } from '@tollgate/contract'
import type { Catalog } from '../catalog/catalog.ts'
import type { Caller } from '../lib/caller.ts'
import type { Clock } from '../lib/clock.ts'
import { makeIdempotencyKey, storedKey } from '../lib/idempotency.ts'
import { invalidField, ProblemError } from '../lib/problem-error.ts'
import { fieldErrors } from '../lib/zod-errors.ts'
import { decisionReply } from './decision-reply.ts'
import { callFingerprint, callFrom, DEFAULT_SERVICE } from './event-input.ts'
import type { Ledger } from './ledger.ts'
import { refused } from './refusals.ts'

export type TrackDependencies = { ledger: Ledger; catalog: Catalog; clock: Clock }

export type Sender = {
  caller: Caller
  tenantNo(tenantId: string | undefined): Promise<number>
}

/**
 * Tracks one event: checks it, decides it, and answers after its line is committed.
 * @throws ProblemError invalid_request, tenant_not_found; LedgerError
 */
export async function track(
  { ledger, catalog, clock }: TrackDependencies,
  sender: Sender,
  input: unknown,
): Promise<TrackReply> {
  const event = parseEvent(input)
  const call = callFrom(event, serviceOf(sender.caller), clock.now())
  const tenantNo = await sender.tenantNo(tenantIdOf(event))
  const idempotencyKey = event.idempotency_key ?? makeIdempotencyKey()
  const receipt = await ledger.submit(
    tenantNo,
    sender.caller.keyNo,
    { kind: 'call', call },
    { key: storedKey(idempotencyKey), fingerprint: callFingerprint('call', call) },
  )
  if (receipt.refusal !== null) throw refused(receipt.refusal)
  const { entry, account, replayed } = receipt
  const terms = await catalog.loadPlanVersion(account.planVersionNo)
  return decisionReply(entry, account, terms, idempotencyKey, replayed)
}

export function statusOfDecision({ reason }: TrackReply): number {
  return reason === null ? 200 : DENIAL_STATUS[reason]
}

/** Where an event does not name its service: the one whose key sent it. */
export function serviceOf(caller: Caller): string {
  return caller.kind === 'service' ? caller.serviceName : DEFAULT_SERVICE
}

function parseEvent(input: unknown): TrackEvent {
  const parsed = trackEvent.safeParse(input)
  if (parsed.success) return parsed.data
  throw new ProblemError('invalid_request', { errors: fieldErrors(parsed.error.issues) })
}

function tenantIdOf(event: TrackEvent): string | undefined {
  const { tenant_id, account_id } = event
  if (tenant_id !== undefined && account_id !== undefined && tenant_id !== account_id) {
    throw invalidField('account_id', 'another name for tenant_id: if both are given they must be equal')
  }
  return tenant_id ?? account_id
}

import { type CloudEvent, callFields, cloudEvent, properties } from '@tollgate/contract'
import { derivedKey } from '../lib/idempotency.ts'
import { ProblemError } from '../lib/problem-error.ts'
import { fieldErrors } from '../lib/zod-errors.ts'
import { type CallInput, callFingerprint, callFrom } from './event-input.ts'
import { refused } from './refusals.ts'
import type { Sender, TrackDependencies } from './track.ts'

/**
 * Records a call that happened already. The same `source` and `id` again change nothing.
 * @throws ProblemError invalid_request, tenant_not_found; LedgerError
 */
export async function recordCloudEvent(
  { ledger }: TrackDependencies,
  sender: Sender,
  input: unknown,
): Promise<void> {
  const event = parseCloudEvent(input)
  const timestampField = event.data?.timestamp === undefined ? 'time' : 'data.timestamp'
  const call = callFrom(callInput(event), event.source, sender.caller)
  const tenantNo = await tenantOf(sender, event.subject)
  const receipt = await ledger.submit(
    tenantNo,
    sender.caller.senderNo,
    { kind: 'report', call },
    {
      key: derivedKey('cloudevent', event.source, event.id),
      fingerprint: callFingerprint('report', call),
    },
  )
  if (receipt.refusal !== null) throw refused(receipt.refusal, timestampField)
}

function parseCloudEvent(input: unknown): CloudEvent {
  if (input instanceof ProblemError) throw input
  const parsed = cloudEvent.safeParse(input)
  if (parsed.success) return parsed.data
  throw new ProblemError('invalid_request', { errors: fieldErrors(parsed.error.issues) })
}

/** A tenant is called `subject` here, so a problem with it must name that. */
async function tenantOf(sender: Sender, subject: string | undefined): Promise<number> {
  try {
    return await sender.tenantNo(subject)
  } catch (error) {
    if (!(error instanceof ProblemError) || error.errors === undefined) throw error
    const errors = error.errors.map((named) => ({ ...named, field: 'subject' }))
    throw new ProblemError(error.code, { errors })
  }
}

/** What of `data` is a field of a call goes there; the rest is kept as properties. */
function callInput(event: CloudEvent): CallInput {
  const members = Object.entries(event.data ?? {}).filter(([name]) => name !== 'properties')
  const isField = ([name]: [string, unknown]) => Object.hasOwn(callFields, name)
  const rest = Object.fromEntries(members.filter((member) => !isField(member)))
  const kept = properties.safeParse({ ...rest, ...event.data?.properties })
  if (!kept.success) {
    throw new ProblemError('invalid_request', { errors: fieldErrors(kept.error.issues, 'data') })
  }
  return {
    endpoint: event.type,
    ...(event.time === undefined ? {} : { timestamp: event.time }),
    ...Object.fromEntries(members.filter(isField)),
    ...(Object.keys(kept.data).length === 0 ? {} : { properties: kept.data }),
  }
}

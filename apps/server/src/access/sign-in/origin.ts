import type { Actor } from '../../lib/caller.ts'

/** Where a request came from that shows no key or token. */
export type Origin = { readonly address: string; readonly requestId: string }

/** A person, known by what they typed or were sent. */
export function memberActor(memberId: string, { address, requestId }: Origin): Actor {
  return { kind: 'member', id: memberId, address, requestId }
}

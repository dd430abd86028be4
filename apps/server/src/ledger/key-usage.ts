import type { Micros } from '../lib/micros.ts'
import type { Account, AccountChange, KeyLimit, SenderNo, VoidedCall } from './types.ts'

type KeyLimits = readonly KeyLimit[]

/** Whether a call that counts would take its key beyond the key's own limit. */
export function exceedsKeyLimit(
  keyLimits: KeyLimits,
  senderNo: SenderNo,
  quantity: Micros,
): boolean {
  const own = keyLimitOf(keyLimits, senderNo)
  return own !== undefined && own.used + quantity > own.limit
}

/** The limit of the key that sends; undefined: it has none, or it is no key. */
export function keyLimitOf(keyLimits: KeyLimits, senderNo: SenderNo): KeyLimit | undefined {
  if (keyLimits.length === 0) return undefined
  return keyLimits.find(({ keyNo }) => keyNo === senderNo)
}

/** After a call that counts. Who has no limit of their own is not counted by themselves. */
export function withKeyUsage(
  keyLimits: KeyLimits,
  senderNo: SenderNo,
  quantity: Micros,
): KeyLimits {
  const own = keyLimitOf(keyLimits, senderNo)
  if (own === undefined) return keyLimits
  return keyLimits.with(keyLimits.indexOf(own), { ...own, used: own.used + quantity })
}

/** After the void of a call of the running period, if the call was counted under the limit that is there now. */
export function withoutVoided(
  keyLimits: KeyLimits,
  { seq, senderNo, quantity }: VoidedCall,
): KeyLimits {
  const own = keyLimitOf(keyLimits, senderNo)
  return own === undefined || seq < own.sinceSeq
    ? keyLimits
    : withKeyUsage(keyLimits, senderNo, -quantity)
}

/** A limit that is changed keeps what was used under it; one that is set anew begins with nothing used. */
export function withKeyLimit(
  { keyLimits, lastSeq }: Account,
  { keyNo, limit }: NonNullable<AccountChange['keyLimit']>,
): KeyLimits {
  if (limit === null) return keyLimits.filter((other) => other.keyNo !== keyNo)
  const own = keyLimitOf(keyLimits, keyNo)
  return own === undefined
    ? [...keyLimits, { keyNo, limit, used: 0n, sinceSeq: lastSeq + 1 }]
    : keyLimits.with(keyLimits.indexOf(own), { ...own, limit })
}

/** At the turn of a period. */
export function unusedKeyLimits(keyLimits: KeyLimits): KeyLimits {
  return keyLimits.length === 0 ? keyLimits : keyLimits.map((own) => ({ ...own, used: 0n }))
}

import { ENTRY_KIND_CODES, type EntryKind } from '../codes.ts'
import type { Account } from '../types.ts'

/** Where a tenant's log begins, since older lines are deleted. */
export type Cut = {
  readonly tenantNo: number
  /** The account at the last line that is cut off. */
  readonly account: Account
  /** Lines that were recorded from here on are all there; ms. */
  readonly keptFrom: number
  /** Lines up to the cut that have a key: how many, and their numbers added up. */
  readonly keyed: { readonly lines: number; readonly seqs: bigint }
  /** Hexadecimal. */
  readonly hash: string
}

/**
 * What goes: as many lines as there are calls, or that tell of those. The others are few, and say what was agreed and which
 * credits came and went by themselves; bills and balances are told by them, for ever.
 */
const DELETED_KINDS: readonly EntryKind[] = [
  'call',
  'report',
  'hold',
  'settlement',
  'release',
  'void',
  'alert',
]
export const DELETED_KIND_CODES = DELETED_KINDS.map((kind) => ENTRY_KIND_CODES[kind])

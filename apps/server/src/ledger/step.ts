import type { Account, Entry, Refusal } from './types.ts'

/** What one kind of command does to an account that stands at the command's time. */
export type Step =
  | { readonly account: Account; readonly line: Line; readonly refusal: null }
  | { readonly refusal: Refusal }

/** What a step says of its line; `decide` numbers it and adds where it leaves the account. */
export type Line = Pick<
  Entry,
  'reason' | 'counted' | 'overage' | 'credits' | 'cost' | 'call' | 'detail'
>

/** A line that changes no balance and counts nothing: steps say what is different. */
export const PLAIN_LINE: Line = {
  reason: null,
  counted: false,
  overage: false,
  credits: 0n,
  cost: null,
  call: null,
  detail: null,
}

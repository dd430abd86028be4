import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { type Count, type Counters, openCounters } from '../db/counters.ts'
import type { Clock } from '../lib/clock.ts'
import { networkOf } from '../lib/network-of.ts'
import { ProblemError } from '../lib/problem-error.ts'
import {
  LOCKOUT_ADDRESS_FAILURES_MAX,
  LOCKOUT_FAILURES_MAX,
  LOCKOUT_SECONDS,
  LOCKOUT_WINDOW_SECONDS,
} from '../limits.ts'

/** A count that stays above every bound, whatever tries that were under way give back. */
const LOCKED = 1_000_000_000

/** Ends guessing of passwords: by account, whether it exists or not, and more widely by address. */
export interface Lockout {
  /**
   * Counts the try before its password is looked at, so that of any number of parallel ones no more
   * than LOCKOUT_FAILURES_MAX are looked at. Each must be followed by one of the next three.
   * @throws ProblemError locked
   */
  tryLogin(email: string, address: string): Promise<void>
  succeeded(email: string, address: string): Promise<void>
  failed(email: string, address: string): Promise<void>
  /** No password was looked at after all, as when the database is away: nobody is to be locked for that. */
  cameToNothing(email: string, address: string): Promise<void>
  unlock(emails: readonly string[]): Promise<void>
}

export function openLockout(deps: { redis: Redis | null; clock: Clock }): Lockout {
  const windowSeconds = LOCKOUT_WINDOW_SECONDS
  const accounts = openCounters({ ...deps, name: 'login:account', windowSeconds })
  const addresses = openCounters({ ...deps, name: 'login:address', windowSeconds })
  return {
    async tryLogin(email, address) {
      const [network, account] = [networkOf(address), accountKey(email)]
      const ofAddress = await addresses.add(network, 1)
      const giveBackAddress = () => giveBack(addresses, network, ofAddress)
      await refuseAbove(LOCKOUT_ADDRESS_FAILURES_MAX, ofAddress, giveBackAddress)
      const ofAccount = await accounts.add(account, 1)
      await refuseAbove(LOCKOUT_FAILURES_MAX, ofAccount, () =>
        Promise.all([giveBackAddress(), giveBack(accounts, account, ofAccount)]),
      )
    },
    async succeeded(email, address) {
      // Not all of the address's: else who has one account could guess at others without end.
      await Promise.all([accounts.forget(accountKey(email)), addresses.add(networkOf(address), -1)])
    },
    async failed(email, address) {
      await Promise.all([
        lockAfterTheLast(accounts, accountKey(email), LOCKOUT_FAILURES_MAX),
        lockAfterTheLast(addresses, networkOf(address), LOCKOUT_ADDRESS_FAILURES_MAX),
      ])
    },
    async cameToNothing(email, address) {
      await Promise.all([
        accounts.add(accountKey(email), -1),
        addresses.add(networkOf(address), -1),
      ])
    },
    async unlock(emails) {
      await Promise.all(emails.map((email) => accounts.forget(accountKey(email))))
    },
  }
}

/** Addresses of people do not stand in Redis; and however long one is, its key is short. */
function accountKey(email: string): string {
  return createHash('sha256').update(email.toLowerCase()).digest('base64url')
}

async function refuseAbove(
  failuresMax: number,
  { count, msLeft }: Count,
  giveBackAll: () => Promise<unknown>,
): Promise<void> {
  if (count <= failuresMax) return
  // Nothing was tried: others who share the address or the account are not to pay for it.
  await giveBackAll()
  const retryAfterSeconds = Math.max(1, Math.ceil(msLeft / 1_000))
  const minutes = Math.ceil(retryAfterSeconds / 60)
  const wait = minutes === 1 ? 'a minute' : `${minutes} minutes`
  const detail = `Too many sign-ins failed. Try again in ${wait}, or ask an administrator to unlock it.`
  throw new ProblemError('locked', { detail, retryAfterSeconds })
}

/** Of a lock nothing: it may end meanwhile, and what comes back then would be a try more of the next window. */
async function giveBack(counters: Counters, key: string, { count }: Count): Promise<void> {
  if (count < LOCKED) await counters.add(key, -1)
}

/** The lock lasts from the failure that closed it. Tries that it refuses come here no more, so that they do not prolong it. */
async function lockAfterTheLast(
  counters: Counters,
  key: string,
  failuresMax: number,
): Promise<void> {
  const count = await counters.read(key)
  if (count === null || count.count < failuresMax) return
  await counters.set(key, LOCKED, LOCKOUT_SECONDS)
}

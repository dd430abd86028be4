import type { Recommendation } from '@tollgate/contract'
import { IDLE_KEYS_TOLD_MAX } from '../../limits.ts'
import type { KeyOf, Subject } from '../answer.ts'
import { dayAt, startOfDay } from '../calendar.ts'
import { dailyReader } from '../readings/reader.ts'

const DAY_MS = 86_400_000
const IDLE_DAYS = 30

type Idle = Extract<Recommendation, { kind: 'idle_key' }>

export async function readIdleKeys(subject: Subject): Promise<Idle[]> {
  const { source, account, now } = subject
  const { timeZone } = account
  const today = dayAt(now, timeZone)
  const starts = [today.subtract({ days: IDLE_DAYS }), today.add({ days: 1 })].map((day) =>
    startOfDay(day, timeZone),
  )
  const [keys, calls] = await Promise.all([
    subject.keysOf(source.tenantNo),
    dailyReader(source, starts).by(['key']),
  ])
  const lastCalls = new Map(calls.map(({ value, lastAt }) => [Number(value), lastAt]))
  return idleKeys(keys, lastCalls, now)
}

/**
 * Keys that nothing was done with for 30 days, those that have waited longest first. A key that only
 * reads is in no rollup, and when a key was used is written down a little later: the later one holds. Pure.
 * @param lastCalls by the number of who sent them
 */
export function idleKeys(
  keys: readonly KeyOf[],
  lastCalls: ReadonlyMap<number, number | null>,
  now: number,
): Idle[] {
  return keys
    .map((key) => {
      const called = lastCalls.get(key.senderNo) ?? null
      const usedAt = called === null ? key.lastUsedAt : Math.max(called, key.lastUsedAt ?? called)
      return { key, usedAt, since: Math.max(usedAt ?? key.createdAt, key.createdAt) }
    })
    .filter(({ since }) => now - since >= IDLE_DAYS * DAY_MS)
    .sort((a, b) => a.since - b.since || a.key.senderNo - b.key.senderNo)
    .slice(0, IDLE_KEYS_TOLD_MAX)
    .map(({ key, usedAt, since }) => ({
      kind: 'idle_key',
      key_id: key.id,
      name: key.name,
      team: key.team,
      created_at: new Date(key.createdAt).toISOString(),
      last_used_at: usedAt === null ? null : new Date(usedAt).toISOString(),
      idle_days: Math.floor((now - since) / DAY_MS),
    }))
}

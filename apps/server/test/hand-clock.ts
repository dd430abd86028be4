import type { Clock } from '../src/lib/clock.ts'

/** A clock that stands where it was set. */
export function handClock(
  at: string | number,
): Clock & { set(at: string | number): void; advance(ms: number): void } {
  let now = typeof at === 'number' ? at : Date.parse(at)
  return {
    now: () => now,
    set(next) {
      now = typeof next === 'number' ? next : Date.parse(next)
    },
    advance(ms) {
      now += ms
    },
  }
}

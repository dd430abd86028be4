import { periodAt } from '../src/lib/periods.ts'

/** When the month of a number begins in a zone, by going through all before it; 0 is the anchor's own. */
export function monthStart(anchor: number, timeZone: string, month: number): number {
  let { start, end } = periodAt(anchor, timeZone, anchor)
  for (let passed = 0; passed < month; passed += 1) {
    start = end
    end = periodAt(anchor, timeZone, end).end
  }
  return start
}

import { readdirSync, readFileSync } from 'node:fs'

/** The kernel counts in hundredths of a second whatever its own clock, on every platform it has. */
const TICKS_PER_SECOND = 100

/**
 * Processor seconds that a process has used, with its children if asked. Null where the kernel does
 * not tell: the bench then prints rates alone.
 */
export function cpuSeconds(pid: number, withChildren: boolean): number | null {
  const own = statOf(pid)
  if (own === null) return null
  if (!withChildren) return own.seconds
  // Children that ended count too: PostgreSQL starts and ends processes as it goes.
  let sum = own.seconds + own.endedChildrenSeconds
  for (const name of readdirSync('/proc')) {
    const child = /^\d+$/.test(name) ? statOf(Number(name)) : null
    if (child?.parent === pid) sum += child.seconds
  }
  return sum
}

function statOf(pid: number) {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return null
  }
  // The name in parentheses may hold anything; the fields after it are counted from the third.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  return {
    parent: fields[1]!,
    seconds: (fields[11]! + fields[12]!) / TICKS_PER_SECOND,
    endedChildrenSeconds: (fields[13]! + fields[14]!) / TICKS_PER_SECOND,
  }
}

type Counted = readonly { value: string; calls: number }[]

/** Calls by name, most first; what has none is left out. */
export function countsOf(
  usages: Counted,
  nameOf: (value: string) => string = (value) => value,
): Record<string, number> {
  return Object.fromEntries(sortedCounts(usages, nameOf))
}

/** The same of lists that are asked about again and again: of each it is kept as long as the list is. */
export function keptCountsOf(
  nameOf: (value: string) => string,
): (usages: Counted) => Record<string, number> {
  const known = new WeakMap<Counted, Record<string, number>>()
  return (usages) => {
    const counts = known.get(usages) ?? countsOf(usages, nameOf)
    known.set(usages, counts)
    return counts
  }
}

export function sortedCounts(
  usages: Counted,
  nameOf: (value: string) => string,
): [name: string, calls: number][] {
  const counts = new Map<string, number>()
  for (const { value, calls } of usages) {
    const name = nameOf(value)
    counts.set(name, (counts.get(name) ?? 0) + calls)
  }
  const found = [...counts].filter(([, calls]) => calls > 0)
  return found.sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
}

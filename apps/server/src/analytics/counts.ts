/** Calls by name, most first; what has none is left out. */
export function countsOf(
  usages: readonly { value: string; calls: number }[],
  nameOf: (value: string) => string = (value) => value,
): Record<string, number> {
  return Object.fromEntries(sortedCounts(usages, nameOf))
}

export function sortedCounts(
  usages: readonly { value: string; calls: number }[],
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

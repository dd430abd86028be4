let last = { ms: Number.NaN, text: '' }

/** ISO 8601, UTC. The one before is remembered: of a thousand replies most name the same end of a period. */
export function instantText(ms: number): string {
  if (ms !== last.ms) last = { ms, text: new Date(ms).toISOString() }
  return last.text
}

import { normalisePath } from './path.ts'

export type Matches = (text: string) => boolean

/**
 * A path pattern: `*` stands for any run of characters, slashes included, and a pattern that ends in
 * `/*` also takes the folder itself. To be asked with normalised paths.
 */
export function compilePathPattern(pattern: string): Matches {
  const normal = pattern === '*' ? pattern : normalisePath(pattern)
  const below = compileWildcards(normal)
  if (!normal.endsWith('/*')) return below
  const folder = compileWildcards(normal.slice(0, -2))
  return (path) => below(path) || folder(path)
}

// By hand and not as a regular expression: linear in the length of the text, whatever the pattern.
export function compileWildcards(pattern: string): Matches {
  const parts = pattern.split('*')
  if (parts.length === 1) return (text) => text === pattern
  const first = parts[0]!
  const last = parts.at(-1)!
  const between = parts.slice(1, -1).filter((part) => part !== '')
  const lengthMin = first.length + last.length
  return (text) =>
    text.length >= lengthMin &&
    text.startsWith(first) &&
    text.endsWith(last) &&
    containsInOrder(text.slice(first.length, text.length - last.length), between)
}

function containsInOrder(text: string, parts: readonly string[]): boolean {
  let from = 0
  for (const part of parts) {
    const at = text.indexOf(part, from)
    if (at < 0) return false
    from = at + part.length
  }
  return true
}

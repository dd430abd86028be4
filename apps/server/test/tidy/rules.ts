import { lineAt, scan } from './scan.ts'
import type { SourceFile } from './source-tree.ts'

const READS_ENVIRONMENT = [
  /\bprocess\s*(\?\.|\.)\s*env\b/g,
  /\bprocess\s*\[/g,
  /\bimport\s*\{[^}]*\benv\b[^}]*\}\s*from\s*'/g,
]
const READS_CLOCK = [
  /\bDate\s*\.\s*now\b/g,
  /\bnew\s+Date\b(\s*\(\s*\)|(?!\s*\())/g,
  /(?<!new\s+|[.\w$])Date\s*\(/g,
  /\bperformance\s*\.\s*(now|timeOrigin|mark)\b/g,
  /\bhrtime\b/g,
  /\bTemporal\s*\.\s*Now\b/g,
]
const SAYS_NOTHING = new Set(['util', 'utils', 'helper', 'helpers', 'common'])
// Written so that this line does not find itself.
const UNFINISHED = /\b(TO[D]O|FIX[M]E)\b/g

/** Where a file reads the environment. */
export function environmentReads(file: SourceFile): string[] {
  return places(file, READS_ENVIRONMENT, 'reads the environment; only src/config.ts may')
}

/** Where a file asks what time it is. */
export function clockReads(file: SourceFile): string[] {
  return places(file, READS_CLOCK, 'reads the clock; take `now`, or a Clock, as an argument')
}

export function longFile({ path, text }: SourceFile, linesMax: number): string[] {
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
  return lines > linesMax ? [`${path}: ${lines} lines; at most ${linesMax}`] : []
}

/** Files and folders whose names do not say what is in them. */
export function emptyNames(paths: readonly string[]): string[] {
  return paths.filter((path) =>
    path.split('/').some((part) => SAYS_NOTHING.has(part.split('.')[0]!.toLowerCase())),
  )
}

/** Notes of what is not done, in comments and texts alike: an issue is the place for them. */
export function unfinished({ path, text }: SourceFile): string[] {
  return [...text.matchAll(UNFINISHED)].map(
    ({ 0: word, index }) =>
      `${path}:${lineAt(text, index)}: ${word}; make an issue of it, or do it`,
  )
}

function places({ path, text }: SourceFile, patterns: readonly RegExp[], what: string): string[] {
  const { code } = scan(text)
  return patterns.flatMap((pattern) =>
    [...code.matchAll(pattern)].map(({ index }) => `${path}:${lineAt(text, index)}: ${what}`),
  )
}

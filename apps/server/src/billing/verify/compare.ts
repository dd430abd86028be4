import { isDeepStrictEqual } from 'node:util'

type Document = { lines: readonly object[] } & Record<string, unknown>

/** Field by field, and the lines one by one. */
export function compareDocuments(is: Document, should: Document, differ: (what: string) => void) {
  const { lines: isLines, ...isRest } = plain(is)
  const { lines: shouldLines, ...shouldRest } = plain(should)
  compareFields(isRest, shouldRest, '', differ)
  if (isLines.length !== shouldLines.length) {
    differ(`has ${isLines.length} lines where ${shouldLines.length} belong`)
  }
  isLines.slice(0, shouldLines.length).forEach((line, index) => {
    compareFields(line, shouldLines[index]!, `line ${index + 1}: `, differ)
  })
}

function compareFields(is: object, should: object, where: string, differ: (what: string) => void) {
  const [a, b] = [is as Record<string, unknown>, should as Record<string, unknown>]
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (isDeepStrictEqual(a[name], b[name])) continue
    differ(`${where}${name} is ${text(a[name])}, it should be ${text(b[name])}`)
  }
}

function text(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value)
}

/** As it is after it was stored. */
function plain(document: Document): { lines: object[] } & Record<string, unknown> {
  return JSON.parse(JSON.stringify(document))
}

import { stripTypeScriptTypes } from 'node:module'
import { lineAt, scan } from './scan.ts'
import type { SourceFile } from './source-tree.ts'

const CONTROL = new Set(['if', 'for', 'while', 'switch', 'catch', 'with', 'await'])
const TEST_CALL = /\b(describe|suite|test|it)(\.\w+)?$/
const CLOSING: Record<string, string> = { '(': ')', '[': ']', '{': '}' }
const OPENING: Record<string, string> = { ')': '(', ']': '[', '}': '{' }

/** Functions of more than `linesMax` lines, from their first line to their closing brace. Tests are not meant: their callbacks are lists of steps. */
export function longFunctions({ path, text }: SourceFile, linesMax: number): string[] {
  const { code } = scan(path.endsWith('ts') ? stripTypeScriptTypes(text) : text)
  return functionsIn(code).flatMap(({ start, end }) => {
    const [first, last] = [lineAt(code, start), lineAt(code, end)]
    const lines = last - first + 1
    if (lines <= linesMax || isTestCallback(code, start)) return []
    return [`${path}:${first}: a function of ${lines} lines; at most ${linesMax} can be seen whole`]
  })
}

type Span = { start: number; end: number }

/** Every function in code without types: declarations, methods, arrows with and without a block. */
function functionsIn(code: string): Span[] {
  const found: Span[] = []
  for (const { index } of code.matchAll(/\)\s*\{/g)) {
    const start = startOfSignature(code, index)
    if (start !== null) found.push({ start, end: matching(code, code.indexOf('{', index)) })
  }
  for (const { index } of code.matchAll(/=>/g)) {
    const before = code.slice(0, index).trimEnd()
    const start = before.endsWith(')') ? matchingBack(code, before.length - 1) : before.length - 1
    found.push({ start, end: endOfArrow(code, index + 2) })
  }
  return found
}

/** Where the function begins whose parameters end at `close`; null for what only looks like one. */
function startOfSignature(code: string, close: number): number | null {
  const open = matchingBack(code, close)
  const before = code.slice(0, open).trimEnd()
  const name = /[\w$#]+$|\]$/.exec(before)?.[0]
  if (name === undefined || CONTROL.has(name)) return null
  return before.length - name.length
}

function endOfArrow(code: string, from: number): number {
  const body = from + code.slice(from).search(/\S/)
  if (code[body] === '{') return matching(code, body)
  let at = body
  while (at < code.length) {
    const c = code[at]!
    if (c in CLOSING) at = matching(code, at)
    else if (c in OPENING || c === ',' || c === ';') return at - 1
    else if (c === '\n' && !continues(code, at)) return at - 1
    at += 1
  }
  return code.length
}

/** Whether the expression goes on after the line that ends at `at`. */
function continues(code: string, at: number): boolean {
  const operator = /[.?:+\-*/%&|=<>^~!]$/.test(code.slice(0, at).trimEnd())
  return operator || /^\s*[.?:+\-*/%&|=<>^([]/.test(code.slice(at))
}

function matching(code: string, open: number): number {
  return partner(code, open, 1, code[open]!, CLOSING[code[open]!]!)
}

function matchingBack(code: string, close: number): number {
  return partner(code, close, -1, code[close]!, OPENING[code[close]!]!)
}

function partner(code: string, from: number, step: 1 | -1, self: string, other: string): number {
  let depth = 0
  for (let at = from; at >= 0 && at < code.length; at += step) {
    if (code[at] === self) depth += 1
    if (code[at] === other) depth -= 1
    if (depth === 0) return at
  }
  throw new Error(`“${self}” at line ${lineAt(code, from)} has no “${other}”`)
}

/** Whether the function is handed to `test` and its kind. */
function isTestCallback(code: string, start: number): boolean {
  let depth = 0
  for (let at = start - 1; at >= 0; at--) {
    const c = code[at]!
    if (c in OPENING) depth += 1
    else if (c in CLOSING && depth > 0) depth -= 1
    else if (c in CLOSING) return c === '(' && TEST_CALL.test(code.slice(0, at).trimEnd())
  }
  return false
}

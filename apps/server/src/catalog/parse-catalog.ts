import { isMap, isPair, isScalar, LineCounter, type Node, parseDocument, visit } from 'yaml'
import type { z } from 'zod'
import { CATALOG_BYTES_MAX } from '../limits.ts'
import { type CatalogDefinition, catalogSchema } from './schema.ts'

type Problem = { offset: number; text: string }
type Path = readonly PropertyKey[]
type CatalogDocument = ReturnType<typeof parseDocument>

/** What is wrong with a catalog file: every problem, each with its line and column. */
export class CatalogError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The catalog cannot be used:\n${problems.map((line) => `  ${line}`).join('\n')}`)
    this.name = 'CatalogError'
    this.problems = problems
  }
}

/**
 * Reads the text of a catalog.
 * @param file how problems name it
 * @throws CatalogError that names all problems as `file:line:column: path: what is wrong`
 */
export function parseCatalog(text: string, file: string): CatalogDefinition {
  if (Buffer.byteLength(text) > CATALOG_BYTES_MAX) {
    throw new CatalogError([`${file}: is larger than ${CATALOG_BYTES_MAX} bytes`])
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const { definition, problems } = check(document)
  if (definition !== null) return definition
  const located = problems
    .sort((a, b) => a.offset - b.offset)
    .map(({ offset, text }) => {
      const { line, col } = lines.linePos(offset)
      return `${file}:${line}:${col}: ${text}`
    })
  throw new CatalogError([...new Set(located)])
}

type Checked =
  | { definition: CatalogDefinition; problems: null }
  | { definition: null; problems: Problem[] }

function check(document: CatalogDocument): Checked {
  // A key twice is among these. Values are not looked at before all is clear YAML: which of the two
  // is meant would be a guess, and so would the place of what is wrong in it.
  const unclear = [...document.errors, ...document.warnings]
  if (unclear.length > 0) {
    const problems = unclear.map(({ code, pos, message }) => ({
      offset: pos[0],
      text:
        code === 'MULTIPLE_DOCS' ? 'a catalog is one document, without another after ---' : message,
    }))
    return { definition: null, problems }
  }
  let value: unknown
  try {
    value = document.toJS() ?? {}
  } catch (error) {
    // An alias of nothing, or aliases that would unfold without end.
    const problem = { offset: aliasOffset(document), text: (error as Error).message }
    return { definition: null, problems: [problem] }
  }
  const result = catalogSchema.safeParse(value, { error: explain })
  if (result.success) return { definition: result.data, problems: null }
  return { definition: null, problems: result.error.issues.flatMap(locate(document)) }
}

/** Of the first alias that stands for nothing, or else of the first. */
function aliasOffset(document: CatalogDocument): number {
  const offsets: { [Kind in 'any' | 'broken']?: number } = {}
  visit(document, {
    Alias(_key, alias) {
      offsets.any ??= alias.range?.[0]
      if (alias.resolve(document) === undefined) offsets.broken ??= alias.range?.[0]
    },
  })
  return offsets.broken ?? offsets.any ?? 0
}

const NAMES: Record<string, string> = {
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  null: 'null',
  undefined: 'missing',
}

/** Problems in words of YAML; undefined leaves them to zod's. */
export function explain(issue: z.core.$ZodRawIssue): string | undefined {
  const missing = issue.input === undefined ? 'is missing; it ' : ''
  switch (issue.code) {
    case 'invalid_type':
      return `${missing}must be ${NAMES[issue.expected] ?? issue.expected}${missing ? '' : `, not ${kindOf(issue.input)}`}`
    case 'invalid_value':
      return `${missing}must be one of ${issue.values.join(', ')}`
    case 'too_small':
      return `must ${issue.origin === 'array' ? 'have' : 'be'} at least ${issue.minimum}`
    case 'too_big':
      return `must ${issue.origin === 'string' ? 'be no longer than' : 'be at most'} ${issue.maximum}`
    default:
      return undefined
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number') return String(value)
  return NAMES[typeof value] ?? typeof value
}

function locate(document: CatalogDocument): (issue: z.core.$ZodIssue) => Problem[] {
  return (issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        offset: keyOffset(document, [...issue.path, key]),
        text: `${pathText([...issue.path, key])}: is not a key that is known here`,
      }))
    }
    if (issue.code === 'invalid_key') {
      const text = issue.issues.map(({ message }) => message).join('; ')
      return [{ offset: keyOffset(document, issue.path), text: `${pathText(issue.path)}: ${text}` }]
    }
    const offset = valueOffset(document, issue.path)
    return [{ offset, text: `${pathText(issue.path)}: ${issue.message}` }]
  }
}

function pathText(path: Path): string {
  if (path.length === 0) return 'the file'
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '')
}

/** Where the value begins; of one that is missing, where the nearest thing that is there begins. */
function valueOffset(document: CatalogDocument, path: Path): number {
  const node = document.getIn(path, true) as Node | undefined
  if (node?.range) return node.range[0]
  return path.length === 0 ? 0 : keyOffset(document, path.slice(0, -1))
}

function keyOffset(document: CatalogDocument, path: Path): number {
  const parent = document.getIn(path.slice(0, -1), true)
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === path.at(-1))
    if (isPair(pair) && isScalar(pair.key) && pair.key.range) return pair.key.range[0]
  }
  return valueOffset(document, path)
}

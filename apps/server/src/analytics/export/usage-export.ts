import type { ExportFormat, ExportLevel } from '@tollgate/contract'
import { invalidField } from '../../lib/problem-error.ts'
import type { Answer, Subject, Verb } from '../answer.ts'
import { plainRange } from '../breakdown.ts'
import { OTHER } from '../dimensions.ts'
import { formatFamilies } from '../formats.ts'
import { needOf, requireFeature } from '../gate.ts'
import { datedRange } from '../history.ts'
import type { Range, RangeQuery } from '../range.ts'
import { wholeReader } from '../readings/reader.ts'
import { callPieces, type Taking } from './calls.ts'
import { dailyTable } from './daily.ts'

export type ExportQuery = RangeQuery & {
  format: ExportFormat
  level: ExportLevel
  cursor?: number | undefined
  through?: number | undefined
  /** How the file is sent: part of what an ETag stands for. */
  coding: string
}

/** A file in pieces, made as they are taken. */
export type ExportFile = {
  name: string
  type: string
  /** The last line of the log that it may show; null: it is no part of the log. */
  through: number | null
  pieces(taking: Taking): AsyncIterator<Buffer>
}

/** What was used, to be kept as a file: the table of days, or each call. */
export const usageExport: Verb<ExportQuery, ExportFile> = (subject, query) => {
  const { terms, catalog, gated } = subject
  if (gated) requireFeature(catalog, terms, needOf('export'))
  return query.level === 'daily' ? exportOfDays(subject, query) : exportOfCalls(subject, query)
}

function exportOfDays(subject: Subject, query: ExportQuery): Answer<ExportFile> {
  for (const field of ['cursor', 'through'] as const) {
    if (query[field] !== undefined) throw invalidField(field, 'goes with level=events')
  }
  const { range, dates } = datedRange(subject, { ...query, granularity: 'daily' })
  const { format } = query
  const families = formatFamilies(subject.catalog.usage)
  return {
    dependsOn: [range.from, range.to, families.mark],
    async read() {
      async function* pieces() {
        yield await dailyTable(subject.source, range, dates, { format, families })
      }
      return { ...namedFile('usage', range, format), through: null, pieces }
    },
  }
}

function exportOfCalls(subject: Subject, query: ExportQuery): Answer<ExportFile> {
  const { account, source, senderNames } = subject
  const { format, cursor: after = null } = query
  const range = plainRange(subject, query)
  const through = throughOf(query, account.lastSeq)
  const { tenantNo } = source
  const stretch = { tenantNo, from: range.from, to: range.to, through }
  return {
    dependsOn: async () => [range.from, range.to, await namesIn(subject, range)],
    async read() {
      const pieces = (taking: Taking) =>
        callPieces(source, stretch, { format, after }, senderNames, taking)
      return { ...namedFile('usage_events', range, format), through, pieces }
    },
  }
}

function throughOf({ cursor = 0, through }: ExportQuery, lastSeq: number): number {
  const message = `the log has ${lastSeq} lines`
  if (through !== undefined && through > lastSeq) throw invalidField('through', message)
  if (cursor > lastSeq) throw invalidField('cursor', message)
  if (cursor > (through ?? lastSeq)) throw invalidField('cursor', 'lies behind through')
  return through ?? lastSeq
}

/** Keys can go to another team, which is not in the log. Where not all are known, nothing stays the same. */
async function namesIn({ source, senderNames, now }: Subject, range: Range): Promise<string> {
  const usages = await wholeReader(source, range).by(['key'])
  if (usages.some(({ value }) => value === OTHER)) return String(now)
  const names = await senderNames(usages.map(({ value }) => Number(value)))
  return JSON.stringify([...names].sort(([a], [b]) => a - b))
}

const TYPES: Record<ExportFormat, string> = {
  csv: 'text/csv; charset=utf-8',
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
  parquet: 'application/vnd.apache.parquet',
}

function namedFile(what: string, { month, first, last }: Range, format: ExportFormat) {
  return { name: `${what}_${month ?? `${first}_${last}`}.${format}`, type: TYPES[format] }
}

import type { ExportFormat } from '@tollgate/contract'
import type { Verb } from './answer.ts'
import { familyOf, formatOf } from './formats.ts'
import { needOf, requireFeature } from './gate.ts'
import { datedRange } from './history.ts'
import type { Range, RangeQuery } from './range.ts'
import { average, successRate } from './rates.ts'
import { readerOf } from './readings/reader.ts'
import { sumOf, type UsageOf } from './readings/usage.ts'

export type ExportQuery = RangeQuery & { format: ExportFormat }
export type ExportFile = { name: string; type: string; text: string }

type Day = {
  date: string
  conversions: number
  excel: number
  pdf: number
  word: number
  success_rate: number | null
  avg_processing_ms: number | null
}

/** One row for each day, to be kept as a file. Dates and numbers alone: nothing that a spreadsheet would run. */
export const usageExport: Verb<ExportQuery, ExportFile> = (subject, { format, ...query }) => {
  const { terms, catalog, gated, source } = subject
  if (gated) requireFeature(catalog, terms, needOf('export'))
  const { range, dates } = datedRange(subject, { ...query, granularity: 'daily' })
  return {
    dependsOn: [range.from, range.to],
    async read() {
      const reader = await readerOf(source, range, dates, 'daily')
      const byPlace = Map.groupBy(await reader.by(['total', 'file_type']), ({ place }) => place)
      const days = dates.map(({ label }, place) => dayOf(label, byPlace.get(place) ?? []))
      return { name: fileName(range, format), type: TYPES[format], text: WRITERS[format](days) }
    },
  }
}

const TYPES: Record<ExportFormat, string> = {
  csv: 'text/csv; charset=utf-8',
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
}

const HEADER = 'Date,Conversions,Excel,PDF,Word,Success_Rate,Avg_Processing_MS'

const WRITERS: Record<ExportFormat, (days: readonly Day[]) => string> = {
  csv: (days) => [HEADER, ...days.map(csvLine), ''].join('\r\n'),
  json: (days) => JSON.stringify(days),
  ndjson: (days) => days.map((day) => `${JSON.stringify(day)}\n`).join(''),
}

/** What a day has no answer for is left empty. */
function csvLine(day: Day): string {
  const { date, conversions, excel, pdf, word, success_rate, avg_processing_ms } = day
  const rate = success_rate?.toFixed(1) ?? ''
  return [date, conversions, excel, pdf, word, rate, avg_processing_ms ?? ''].join(',')
}

function dayOf(date: string, usage: readonly UsageOf[]): Day {
  const total = sumOf(usage.filter(({ dimension }) => dimension === 'total'))
  const family = (name: string) =>
    sumOf(
      usage.filter(
        ({ dimension, value }) => dimension === 'file_type' && familyOf(formatOf(value)) === name,
      ),
    ).calls
  return {
    date,
    conversions: total.calls,
    excel: family('excel'),
    pdf: family('pdf'),
    word: family('word'),
    success_rate: successRate(total),
    avg_processing_ms: average(total.ms, total.timed),
  }
}

function fileName({ month, first, last }: Range, format: ExportFormat): string {
  return `usage_${month ?? `${first}_${last}`}.${format}`
}

import type { ExportFormat } from '@tollgate/contract'
import type { Stretch } from '../calendar.ts'
import { type FormatFamilies, formatOf } from '../formats.ts'
import type { Range } from '../range.ts'
import { average, successRate } from '../rates.ts'
import { readerOf } from '../readings/reader.ts'
import type { UsageSource } from '../readings/folded-reader.ts'
import { sumOf, type UsageOf } from '../readings/measures.ts'
import { type ParquetColumn, ParquetPieces } from './parquet.ts'

type Day = {
  date: string
  conversions: number
  excel: number
  pdf: number
  word: number
  success_rate: number | null
  avg_processing_ms: number | null
}

/** The table of the days of a range. As many rows as an answer may have dates, so it is made at once. */
export async function dailyTable(
  source: UsageSource,
  range: Range,
  dates: readonly Stretch[],
  { format, families }: { format: ExportFormat; families: FormatFamilies },
): Promise<Buffer> {
  const reader = await readerOf(source, range, dates, 'daily')
  const byPlace = Map.groupBy(await reader.by(['total', 'file_type']), ({ place }) => place)
  return WRITERS[format](
    dates.map(({ label }, place) => dayOf(label, byPlace.get(place) ?? [], families)),
  )
}

const HEADER = 'Date,Conversions,Excel,PDF,Word,Success_Rate,Avg_Processing_MS'

/** Dates and numbers alone: nothing that a spreadsheet would run, nothing that needs quotes. */
const WRITERS: Record<ExportFormat, (days: readonly Day[]) => Buffer | Promise<Buffer>> = {
  csv: (days) => Buffer.from([HEADER, ...days.map(csvLine), ''].join('\r\n')),
  json: (days) => Buffer.from(JSON.stringify(days)),
  ndjson: (days) => Buffer.from(days.map((day) => `${JSON.stringify(day)}\n`).join('')),
  parquet: parquetTable,
}

/** What a day has no answer for is left empty. */
function csvLine(day: Day): string {
  const { date, conversions, excel, pdf, word, success_rate, avg_processing_ms } = day
  const rate = success_rate?.toFixed(1) ?? ''
  return [date, conversions, excel, pdf, word, rate, avg_processing_ms ?? ''].join(',')
}

const COLUMNS: readonly (ParquetColumn & { name: keyof Day })[] = [
  { name: 'date', type: 'text' },
  { name: 'conversions', type: 'whole' },
  { name: 'excel', type: 'whole' },
  { name: 'pdf', type: 'whole' },
  { name: 'word', type: 'whole' },
  { name: 'success_rate', type: 'double' },
  { name: 'avg_processing_ms', type: 'whole' },
]

async function parquetTable(days: readonly Day[]): Promise<Buffer> {
  const pieces = new ParquetPieces(COLUMNS)
  const values = COLUMNS.map(({ name, type }) =>
    days.map((day) => {
      const value = day[name]
      return type === 'whole' && value !== null ? BigInt(value) : value
    }),
  )
  return Buffer.concat([await pieces.rowGroup(values), await pieces.end()])
}

function dayOf(date: string, usage: readonly UsageOf[], { familyOf }: FormatFamilies): Day {
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

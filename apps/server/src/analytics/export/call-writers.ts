import { EXPORT_CALL_COLUMN_NAMES, type ExportFormat } from '@tollgate/contract'
import { EXPORT_ROWS_PER_ROW_GROUP } from '../../limits.ts'
import { ByteSink } from './byte-sink.ts'
import { CALL_COLUMNS, type CallColumn } from './call-columns.ts'
import type { CallRow } from './call-row.ts'
import type { CopiedRows } from './copied-rows.ts'
import { CSV, csvHeader } from './csv.ts'
import { jsonFormat } from './json.ts'
import { type ParquetColumn, ParquetPieces, type ParquetValue } from './parquet.ts'
import { type TextFormat, TextRows } from './text-rows.ts'

/** Makes a file of calls, a piece at a time; null: there is no piece yet. */
export type CallWriter = {
  row(row: CallRow): Buffer | null | Promise<Buffer>
  end(): Promise<Buffer[]>
}

/**
 * `begins`: whether it is the file's beginning, or to be added to what is there. `isFree`: whether what was
 * made before is not needed any more.
 */
export const CALL_WRITERS: Record<
  ExportFormat,
  (options: { begins: boolean; isFree: () => boolean }) => CallWriter
> = {
  csv: ({ begins, isFree }) => {
    const begin = begins ? csvHeader(EXPORT_CALL_COLUMN_NAMES) : ''
    return textWriter(CSV, { begin, end: '' }, isFree)
  },
  ndjson: ({ isFree }) => textWriter(jsonFormat('\n'), { begin: '', end: '' }, isFree),
  json: ({ isFree }) =>
    textWriter(jsonFormat(''), { begin: '[', between: ',\n', end: ']\n' }, isFree),
  parquet: parquetWriter,
}

function textWriter(
  format: TextFormat,
  { begin, between = '', end }: { begin: string; between?: string; end: string },
  isFree: () => boolean,
): CallWriter {
  const sink = new ByteSink()
  const rows = new TextRows(format, CALL_COLUMNS)
  const nextBegins = Buffer.from(between)
  let isFirst = true
  sink.text(begin)
  return {
    row(row) {
      if (!isFirst) sink.put(nextBegins)
      isFirst = false
      rows.write(sink, row)
      return sink.isFull ? sink.take(isFree()) : null
    },
    async end() {
      sink.text(end)
      return sink.length === 0 ? [] : [sink.take(isFree())]
    },
  }
}

function parquetWriter(): CallWriter {
  const pieces = new ParquetPieces(CALL_COLUMNS.map(parquetColumn))
  let values = emptyColumns()
  let rows = 0
  const group = () => {
    const full = values
    values = emptyColumns()
    rows = 0
    return pieces.rowGroup(full)
  }
  return {
    row(row) {
      for (let i = 0; i < CALL_COLUMNS.length; i++) {
        values[i]!.push(parquetValue(CALL_COLUMNS[i]!, row))
      }
      rows += 1
      return rows === EXPORT_ROWS_PER_ROW_GROUP ? group() : null
    },
    async end() {
      const last = rows === 0 ? [] : [await group()]
      return [...last, await pieces.end()]
    },
  }
}

function emptyColumns(): ParquetValue[][] {
  return CALL_COLUMNS.map(() => [])
}

function parquetColumn({ name, type }: CallColumn): ParquetColumn {
  return { name, type: type === 'json' ? 'text' : type }
}

function parquetValue(column: CallColumn, row: CallRow): ParquetValue {
  switch (column.from) {
    case 'code':
      return column.value(row.code())
    case 'sender':
      return column.value(row.sender())
    case 'line':
      return Buffer.from(row.eventId()).toString()
    case 'void': {
      const seq = row.voidedBy()
      return seq === null ? null : BigInt(seq)
    }
    case 'field':
      return parquetField(column, row.cells)
  }
}

function parquetField(
  column: Extract<CallColumn, { from: 'field' }>,
  cells: CopiedRows,
): ParquetValue {
  const { field } = column
  const isNull = cells.isNull(field)
  switch (column.type) {
    case 'text':
    case 'json':
      return isNull ? null : cells.bytes.toString('utf8', cells.start(field), cells.end(field))
    case 'whole':
      return isNull ? null : BigInt(cells.int64(field))
    case 'micros': {
      const value = BigInt(isNull ? column.absent : cells.int64(field))
      return column.isNegated ? -value : value
    }
    case 'instant':
      return BigInt(cells.instant(isNull ? column.otherwise : field))
  }
}

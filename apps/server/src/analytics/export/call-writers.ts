import type { ExportFormat } from '@tollgate/contract'
import { EXPORT_ROWS_PER_ROW_GROUP } from '../../limits.ts'
import { ByteSink } from './byte-sink.ts'
import { CALL_COLUMNS, type CallColumn } from './call-columns.ts'
import type { CallRow } from './call-row.ts'
import { csvHeader, csvRow } from './csv.ts'
import { jsonNames, jsonRow } from './json.ts'
import { type ParquetColumn, ParquetPieces, type ParquetValue } from './parquet.ts'

/** Makes a file of calls, a piece at a time; null: there is no piece yet. */
export type CallWriter = {
  row(row: CallRow): Buffer | null | Promise<Buffer>
  end(): Promise<Buffer[]>
}

/** @param begins whether it is the file's beginning, or to be added to what is there */
export const CALL_WRITERS: Record<ExportFormat, (begins: boolean) => CallWriter> = {
  csv(begins) {
    const sink = new ByteSink()
    if (begins) csvHeader(sink, CALL_COLUMNS)
    return textWriter(sink, (row) => csvRow(sink, CALL_COLUMNS, row))
  },
  ndjson() {
    const sink = new ByteSink()
    const names = jsonNames(CALL_COLUMNS)
    return textWriter(sink, (row) => {
      jsonRow(sink, CALL_COLUMNS, names, row)
      sink.ascii('\n')
    })
  },
  json() {
    const sink = new ByteSink()
    const names = jsonNames(CALL_COLUMNS)
    let isFirst = true
    const write = (row: CallRow) => {
      sink.ascii(isFirst ? '[' : ',\n')
      isFirst = false
      jsonRow(sink, CALL_COLUMNS, names, row)
    }
    return textWriter(sink, write, () => sink.ascii(isFirst ? '[]\n' : ']\n'))
  },
  parquet: parquetWriter,
}

function textWriter(
  sink: ByteSink,
  write: (row: CallRow) => void,
  close: () => void = () => undefined,
): CallWriter {
  return {
    row(row) {
      write(row)
      return sink.isFull ? sink.take() : null
    },
    async end() {
      close()
      return sink.length === 0 ? [] : [sink.take()]
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
  return { name, type: type === 'word' || type === 'json' ? 'text' : type }
}

function parquetValue(column: CallColumn, row: CallRow): ParquetValue {
  switch (column.type) {
    case 'text':
    case 'json':
      if (!column.locate(row)) return null
      return Buffer.from(
        row.source.buffer,
        row.source.byteOffset + row.start,
        row.end - row.start,
      ).toString()
    case 'whole':
    case 'micros':
    case 'instant': {
      const value = column.value(row)
      return value === null ? null : BigInt(value)
    }
    default:
      return column.value(row)
  }
}

import type { ExportFormat } from '@tollgate/contract'
import { parquetReadObjects } from 'hyparquet'
import { expectStatus, type TestNode } from './node.ts'

export type ExportRow = Record<string, string | number | boolean | null>

/** Every call of a log as GET /api/entries shows it, as rows of an export; oldest first. */
export async function callsFromEntries(node: TestNode, tenantId: string): Promise<ExportRow[]> {
  // biome-ignore lint/suspicious/noExplicitAny: a reply is whatever the server says.
  const entries: any[] = []
  let cursor = ''
  do {
    const path = `/api/entries?tenant_id=${tenantId}&limit=500${cursor}`
    const { body } = expectStatus(await node.admin('GET', path), 200)
    entries.push(...body.data)
    cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`
  } while (cursor !== '')
  const voids = new Map(
    entries.filter(({ kind }) => kind === 'void').map((one) => [one.detail.voided_seq, one.seq]),
  )
  return entries
    .filter(({ kind }) => kind === 'call' || kind === 'report')
    .reverse()
    .map((entry) => ({
      seq: entry.seq,
      event_id: entry.event_id,
      kind: entry.kind,
      occurred_at: entry.occurred_at,
      recorded_at: entry.recorded_at,
      service_name: entry.service_name,
      endpoint: entry.endpoint,
      method: entry.method ?? null,
      status: entry.status,
      error_code: entry.error_code ?? null,
      decision: entry.decision,
      reason: entry.reason,
      counted: entry.counted,
      overage: entry.overage,
      quantity: entry.quantity,
      credits_charged: 0 - entry.credits.change,
      credits_remaining: entry.credits.remaining,
      quota_used: entry.used,
      region: entry.region ?? null,
      feature: entry.feature ?? null,
      file_type: entry.file_type ?? null,
      output_format: entry.output_format ?? null,
      file_size_bytes: entry.file_size_bytes ?? null,
      processing_time_ms: entry.processing_time_ms ?? null,
      token_count: entry.token_count ?? null,
      key_id: entry.key_id,
      member_id: entry.member_id,
      team: entry.team,
      voided_by: voids.get(entry.seq) ?? null,
      properties: entry.properties === undefined ? null : JSON.stringify(entry.properties),
    }))
}

/** The rows of an exported file; of CSV everything is text, so `like` says what it was. */
export async function rowsOf(
  format: ExportFormat,
  file: Buffer,
  like: readonly ExportRow[],
): Promise<ExportRow[]> {
  if (format === 'parquet') return rowsOfParquet(file)
  const text = file.toString()
  if (format === 'csv') return rowsOfCsv(text, like)
  const rows =
    format === 'json'
      ? JSON.parse(text)
      : text
          .split('\n')
          .filter(Boolean)
          .map((row) => JSON.parse(row))
  return rows.map((row: ExportRow) => ({
    ...row,
    properties: row.properties === null ? null : JSON.stringify(row.properties),
  }))
}

async function rowsOfParquet(file: Buffer): Promise<ExportRow[]> {
  const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer
  const rows = await parquetReadObjects({ file: bytes })
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])),
  )
}

function plain(value: unknown): string | number | boolean | null {
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Date) return value.toISOString()
  // The reader makes floats of exact decimals.
  if (typeof value === 'number') return Number(value.toFixed(6))
  return (value ?? null) as string | boolean | null
}

function rowsOfCsv(text: string, like: readonly ExportRow[]): ExportRow[] {
  const [names, ...lines] = parseCsv(text)
  return lines.map((cells, index) => {
    const typed = cells.map((cell, at) => [
      names![at]!,
      typedCell(cell, like[index]?.[names![at]!]),
    ])
    return Object.fromEntries(typed)
  })
}

function typedCell(cell: string, like: unknown): ExportRow[string] {
  if (cell === '') return null
  if (typeof like === 'number') return Number(cell)
  if (typeof like === 'boolean') return cell === 'true'
  // What was disarmed is that text with an apostrophe before it; some texts have one by themselves.
  const isDisarmed = typeof like === 'string' && BEGINS_FORMULA.test(like)
  return isDisarmed && cell.startsWith("'") ? cell.slice(1) : cell
}

export const BEGINS_FORMULA = /^[=+\-@\t\r＝＋－＠]/

/** RFC 4180, a character at a time. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let cell = ''
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (isQuoted && char === '"' && text[at + 1] === '"') cell += text[at++]
    else if (char === '"') isQuoted = !isQuoted
    else if (!isQuoted && char === ',') {
      row.push(cell)
      cell = ''
    } else if (!isQuoted && char === '\r' && text[at + 1] === '\n') {
      rows.push([...row, cell])
      row = []
      cell = ''
      at += 1
    } else cell += char
  }
  return rows
}

import { availableParallelism, cpus, loadavg, type as osType, release, totalmem } from 'node:os'

export type Row = {
  figure: string
  value: string
  reference?: string
  ratio?: number
  bar?: string
  /** Undefined where there is no bar. */
  passes?: boolean
}

/** What a bar's command prints: the figures, and under which conditions they came about. */
export type Report = {
  title: string
  conditions: string[]
  rows: Row[]
  /** What else is worth knowing: not a figure with a bar. */
  notes: string[]
  /** Broken guarantees: an event lost, counted twice or charged wrongly. Any one ends in exit code 1. */
  broken: string[]
}

const BROKEN_LINES_MAX = 20

/** Before the bench began: what others were doing on this machine. */
const LOAD_BEFORE = loadavg()[0] ?? 0
const HEADINGS = ['figure', 'measured', 'reference', 'ratio', 'bar', '']

export function printReport(report: Report): void {
  const more = report.broken.length - BROKEN_LINES_MAX
  const lines = [
    '',
    report.title,
    ...report.conditions.map((condition) => `  ${condition}`),
    `  ${machine()}`,
    '',
    ...table(report.rows),
    '',
    ...report.notes.map((note) => `  ${note}`),
    ...report.broken.slice(0, BROKEN_LINES_MAX).map((guarantee) => `  BROKEN: ${guarantee}`),
    ...(more > 0 ? [`  BROKEN: and ${more} more`] : []),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

function table(rows: Row[]): string[] {
  const cells = [HEADINGS, ...rows.map(cellsOf)]
  const widths = HEADINGS.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  return cells.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  )
}

function cellsOf(row: Row): string[] {
  const verdict = row.passes === undefined ? '' : row.passes ? 'pass' : 'FALLS SHORT'
  return [
    row.figure,
    row.value,
    row.reference ?? '',
    row.ratio === undefined ? '' : row.ratio.toFixed(2),
    row.bar ?? '',
    verdict,
  ]
}

function machine(): string {
  const memory = Math.round(totalmem() / 1024 ** 3)
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  const busy = `load average before ${LOAD_BEFORE.toFixed(1)}`
  return `${availableParallelism()} × ${model}, ${memory} GB, ${osType()} ${release()}, Node ${process.version}, ${busy}`
}

/** 13482.7 → "13,483". */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

export function milliseconds(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ms`
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** A line on the terminal about what is under way, so that a long run does not look stuck. */
export function progress(message: string): void {
  process.stderr.write(`… ${message}\n`)
}

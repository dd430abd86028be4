import { setImmediate as nextTurn } from 'node:timers/promises'
import { PDF_ROWS_PER_TURN } from '../../../limits.ts'
import type { DocumentContent, Row } from '../document-content.ts'
import { closingHeight } from './closing.ts'
import { LEFT, RIGHT, RULE_STRONG, STYLES } from './look.ts'
import type { Pen } from './pen.ts'
import { ROOM_PER_PAGE, rule, type Sheet } from './sheet.ts'
import type { TextLine, TextStyle } from './text-lines.ts'

const GAP = 10
const WIDTHS = { quantity: 84, unitPrice: 70, amount: 88 }
const ENDS = {
  quantity: RIGHT - WIDTHS.amount - WIDTHS.unitPrice - 2 * GAP,
  unitPrice: RIGHT - WIDTHS.amount - GAP,
  amount: RIGHT,
}
const DESCRIPTION_WIDTH = ENDS.quantity - WIDTHS.quantity - GAP - LEFT
const DETAIL_WIDTH = ENDS.unitPrice - LEFT
const DESCRIPTION_LINES_MAX = 12
const CELL_LINES_MAX = 4
const DETAIL_LINES_MAX = 4
const SIZE_MIN = 5
const PADDING = 5
const CELLS = ['quantity', 'unitPrice', 'amount'] as const

type Cell = { style: TextStyle; lines: TextLine[] }
type LaidRow = { description: Cell; cells: Record<(typeof CELLS)[number], Cell>; details: Cell }

/** A row stays on one page, unless it is longer than any; the head is on each page that has rows. */
export async function drawTable(sheet: Sheet, content: DocumentContent): Promise<void> {
  const { columns, rows } = content
  drawHead(sheet, columns)
  for (const [index, row] of rows.entries()) {
    if (index > 0 && index % PDF_ROWS_PER_TURN === 0) await nextTurn()
    // The last one goes with the totals: on a page of their own they would be sums of nothing.
    const below = index === rows.length - 1 ? closingHeight(sheet, content) : 0
    drawRow(sheet, columns, layOut(sheet, row), below)
  }
  if (rows.length === 0) {
    sheet.pen.text('No lines', STYLES.detail, LEFT, sheet.y + PADDING)
    sheet.y += 2 * PADDING + sheet.pen.height(STYLES.detail)
    rule(sheet.pdf, sheet.y)
  }
}

function drawHead(sheet: Sheet, columns: DocumentContent['columns']): void {
  const { pdf, pen, y } = sheet
  pen.text(columns.description, STYLES.columnHead, LEFT, y)
  for (const cell of CELLS) {
    pen.text(columns[cell], STYLES.columnHead, ENDS[cell], y, { align: 'right' })
  }
  sheet.y = y + pen.height(STYLES.columnHead) + 5
  rule(pdf, sheet.y, RULE_STRONG)
}

function layOut({ pen }: Sheet, row: Row): LaidRow {
  const details = row.details.flatMap((text) =>
    pen.lines(text, STYLES.detail, DETAIL_WIDTH, DETAIL_LINES_MAX),
  )
  const { cell } = STYLES
  return {
    description: {
      style: cell,
      lines: pen.lines(row.description, cell, DESCRIPTION_WIDTH, DESCRIPTION_LINES_MAX),
    },
    cells: {
      quantity: numberCell(pen, row.quantity, WIDTHS.quantity),
      unitPrice: numberCell(pen, row.unitPrice, WIDTHS.unitPrice),
      amount: numberCell(pen, row.amount, WIDTHS.amount),
    },
    details: { style: STYLES.detail, lines: details },
  }
}

/** A number is not broken while small type can hold it: parts of it would look like other numbers. */
function numberCell(pen: Pen, text: string, width: number): Cell {
  const number = text.split(' ', 1)[0]!
  const needed = pen.lines(number, STYLES.cell, Number.POSITIVE_INFINITY, 1)[0]?.width ?? 0
  const size = Math.max(SIZE_MIN, STYLES.cell.size * Math.min(1, (width - 0.1) / needed))
  const style = { ...STYLES.cell, size }
  return { style, lines: pen.lines(text, style, width, CELL_LINES_MAX) }
}

function drawRow(
  sheet: Sheet,
  columns: DocumentContent['columns'],
  row: LaidRow,
  below: number,
): void {
  const { pdf, pen } = sheet
  const { description, cells, details } = row
  const height = (cell: Cell) => cell.lines.length * pen.height(cell.style)
  const main = Math.max(height(description), ...CELLS.map((name) => height(cells[name])))
  const all = main + height(details) + 2 * PADDING + 1
  const makeRoom = (needed: number) => {
    if (sheet.makeRoom(needed)) drawHead(sheet, columns)
  }
  makeRoom(all + below <= ROOM_PER_PAGE ? all + below : Math.min(all, ROOM_PER_PAGE))
  const top = sheet.y + PADDING
  drawLines(sheet, description, LEFT, top, 'left')
  for (const name of CELLS) drawLines(sheet, cells[name], ENDS[name], top, 'right')
  sheet.y = top + main + (details.lines.length > 0 ? 1 : 0)
  const step = pen.height(details.style)
  for (const [index, line] of details.lines.entries()) {
    makeRoom(step + PADDING + (index === details.lines.length - 1 ? below : 0))
    pen.line(line, details.style, LEFT, sheet.y)
    sheet.y += step
  }
  sheet.y += PADDING
  rule(pdf, sheet.y)
}

function drawLines({ pen }: Sheet, cell: Cell, x: number, top: number, align: 'left' | 'right') {
  for (const [index, line] of cell.lines.entries()) {
    pen.line(line, cell.style, x, top + index * pen.height(cell.style), align)
  }
}

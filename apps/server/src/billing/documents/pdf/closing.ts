import type { DocumentContent } from '../document-content.ts'
import { LEFT, RIGHT, RULE_STRONG, STYLES } from './look.ts'
import { rule, type Sheet } from './sheet.ts'

const LABEL_LEFT = RIGHT - 232
const ROW_GAP = 7
const TOP_GAP = 12
const NOTES_GAP = 18
const NOTES_WIDTH = RIGHT - LEFT

/** What is below the table. All of it on one page: half a sum is none. */
export function drawClosing(sheet: Sheet, content: DocumentContent): void {
  const { pdf, pen } = sheet
  sheet.makeRoom(closingHeight(sheet, content))
  sheet.y += TOP_GAP
  for (const { label, value, weight } of content.totals) {
    const style = styleOf(weight)
    if (weight === 'strong') {
      rule(pdf, sheet.y + 1, RULE_STRONG, LABEL_LEFT)
      sheet.y += ROW_GAP
    }
    const amount = pen.lines(value, style, 400, 1)[0]
    const taken = amount?.width ?? 0
    // An amount of twenty digits pushes its label to the left.
    const left = Math.min(LABEL_LEFT, RIGHT - taken - 110)
    pen.text(label, style, left, sheet.y, { width: RIGHT - taken - left - 8 })
    if (amount !== undefined) pen.line(amount, style, RIGHT, sheet.y, 'right')
    sheet.y += pen.height(style) + ROW_GAP - 2
  }
  sheet.y += NOTES_GAP
  for (const line of noteLines(sheet, content)) {
    pen.line(line, STYLES.detail, LEFT, sheet.y)
    sheet.y += pen.height(STYLES.detail)
  }
}

export function closingHeight(sheet: Sheet, content: DocumentContent): number {
  const { pen } = sheet
  const rows = content.totals.map(
    ({ weight }) => pen.height(styleOf(weight)) + ROW_GAP - 2 + (weight === 'strong' ? ROW_GAP : 0),
  )
  const notes = noteLines(sheet, content).length * pen.height(STYLES.detail)
  return TOP_GAP + rows.reduce((sum, row) => sum + row, 0) + NOTES_GAP + notes
}

function styleOf(weight: 'normal' | 'strong') {
  return weight === 'strong' ? STYLES.totalStrong : STYLES.total
}

function noteLines({ pen }: Sheet, { notes }: DocumentContent) {
  return notes.flatMap((note) => pen.lines(note, STYLES.detail, NOTES_WIDTH, 3))
}

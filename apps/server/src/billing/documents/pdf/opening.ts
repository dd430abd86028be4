import type { DocumentContent } from '../document-content.ts'
import { LEFT, RIGHT, STYLES, TONES } from './look.ts'
import type { Sheet } from './sheet.ts'

const LABEL_WIDTH = 106
const COLUMN_GAP = 24
const SELLER_WIDTH = 230
const NAME_LINES_MAX = 3
const DETAIL_LINES_MAX = 2
const ADDRESS_LINES_MAX = 8

/** All that is above the table: title, facts, who bills whom, and the amount. */
export function drawOpening(sheet: Sheet, content: DocumentContent): void {
  drawTitle(sheet, content)
  drawFacts(sheet, content)
  drawParties(sheet, content)
  drawHeadline(sheet, content)
}

function drawTitle(sheet: Sheet, { title, stamp, parties }: DocumentContent): void {
  const { pdf, pen, y } = sheet
  const [line] = pen.lines(title, STYLES.title, 260, 1)
  if (line !== undefined) pen.line(line, STYLES.title, LEFT, y)
  if (stamp !== null && line !== undefined) {
    const style = { ...STYLES.stamp, color: TONES[stamp.tone] }
    const [word] = pen.lines(stamp.text, style, 200, 1)
    const left = LEFT + line.width + 16
    if (word !== undefined) {
      pdf.roundedRect(left, y + 8, word.width + 16, 19, 3).lineWidth(1.2)
      pdf.strokeColor(style.color).stroke()
      pen.line(word, style, left + 8, y + 10.6)
    }
  }
  const sellers = pen.lines(parties[0]?.name ?? '', STYLES.seller, SELLER_WIDTH, 2)
  for (const [index, seller] of sellers.entries()) {
    pen.line(seller, STYLES.seller, RIGHT, y + 6 + index * pen.height(STYLES.seller), 'right')
  }
  sheet.y = y + 46
}

function drawFacts(sheet: Sheet, { facts }: DocumentContent): void {
  const { pen } = sheet
  for (const { label, value } of facts) {
    pen.text(label, STYLES.label, LEFT, sheet.y, { width: LABEL_WIDTH - 6 })
    const lines = pen.lines(value, STYLES.value, RIGHT - LEFT - LABEL_WIDTH, DETAIL_LINES_MAX)
    for (const line of lines) {
      pen.line(line, STYLES.value, LEFT + LABEL_WIDTH, sheet.y)
      sheet.y += pen.height(STYLES.value) + 1
    }
  }
  sheet.y += 14
}

function drawParties(sheet: Sheet, { parties }: DocumentContent): void {
  const { pen, y: top } = sheet
  const width = (RIGHT - LEFT - COLUMN_GAP) / 2
  let bottom = top
  for (const [index, { role, name, address, contacts }] of parties.entries()) {
    const left = LEFT + index * (width + COLUMN_GAP)
    let y = top
    pen.text(role, STYLES.label, left, y)
    y += pen.height(STYLES.label) + 2
    for (const line of pen.lines(name, STYLES.name, width, NAME_LINES_MAX)) {
      pen.line(line, STYLES.name, left, y)
      y += pen.height(STYLES.name) + 0.5
    }
    const lines = (texts: string[]) =>
      texts.flatMap((text) => pen.lines(text, STYLES.value, width, DETAIL_LINES_MAX))
    const all = lines(address)
    const shown = all.slice(0, ADDRESS_LINES_MAX)
    // A long address must not push out the tax id, without which it may be no invoice.
    if (all.length > shown.length) shown.push(...lines(['…']))
    for (const line of [...shown, ...lines(contacts)]) {
      pen.line(line, STYLES.value, left, y)
      y += pen.height(STYLES.value) + 0.5
    }
    bottom = Math.max(bottom, y)
  }
  sheet.y = bottom + 18
}

function drawHeadline(sheet: Sheet, { headline }: DocumentContent): void {
  const { pen } = sheet
  pen.text(`${headline.amount} ${headline.text}`, STYLES.headline, LEFT, sheet.y, {
    width: RIGHT - LEFT,
  })
  sheet.y += pen.height(STYLES.headline) + 12
}

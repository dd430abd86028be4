import type { DocumentContent } from '../document-content.ts'
import { BOTTOM, LEFT, MARGIN, PAGE, RIGHT, RULE, STYLES, TONES } from './look.ts'
import type { Pen } from './pen.ts'

/** Where on which page the next thing goes. */
export type Sheet = {
  pdf: PDFKit.PDFDocument
  pen: Pen
  y: number
  /** Begins a page if that much does not fit on this one; says whether it did. */
  makeRoom(height: number): boolean
}

/** What fits on a page that has a head of a table. */
export const ROOM_PER_PAGE = BOTTOM - MARGIN.top - 40

export function createSheet(pdf: PDFKit.PDFDocument, pen: Pen, content: DocumentContent): Sheet {
  const newPage = () => {
    pdf.addPage({ size: [PAGE.width, PAGE.height], margin: 0 })
    drawWatermark(pdf, pen, content)
  }
  newPage()
  const sheet: Sheet = {
    pdf,
    pen,
    y: MARGIN.top,
    makeRoom(height) {
      if (sheet.y + height <= BOTTOM) return false
      newPage()
      sheet.y = MARGIN.top
      return true
    },
  }
  return sheet
}

export function rule(pdf: PDFKit.PDFDocument, y: number, color = RULE, from = LEFT): void {
  pdf.moveTo(from, y).lineTo(RIGHT, y).lineWidth(0.6).strokeColor(color).stroke()
}

/** Once all pages are there: how many is known only then. */
export function drawFeet({ pdf, pen }: Sheet, content: DocumentContent): void {
  const { start, count } = pdf.bufferedPageRange()
  const left = footText(content)
  const y = PAGE.height - 40
  for (let page = 0; page < count; page += 1) {
    pdf.switchToPage(start + page)
    rule(pdf, y - 8)
    pen.text(left, STYLES.foot, LEFT, y, { width: 380 })
    pen.text(`Page ${page + 1} of ${count}`, STYLES.foot, RIGHT, y, { align: 'right' })
  }
}

export function footText({ title, number, parties }: DocumentContent): string {
  return [title, number, parties[0]?.name].filter(Boolean).join(' · ')
}

/** On every page, under all else: a page that was torn off must not look like one that is due. */
function drawWatermark(pdf: PDFKit.PDFDocument, pen: Pen, { stamp }: DocumentContent): void {
  if (stamp === null || stamp.tone === 'good') return
  const style = {
    size: stamp.text.length > 6 ? 62 : 150,
    weight: 700,
    color: TONES[stamp.tone],
  } as const
  const [line] = pen.lines(stamp.text, style, Number.POSITIVE_INFINITY, 1)
  if (line === undefined) return
  const [middle, center] = [PAGE.width / 2, PAGE.height / 2]
  pdf
    .save()
    .rotate(-40, { origin: [middle, center] })
    .fillOpacity(0.07)
  pen.line(line, style, middle - line.width / 2, center - pen.height(style) / 2)
  pdf.restore()
}

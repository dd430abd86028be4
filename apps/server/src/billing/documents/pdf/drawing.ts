import type { DocumentContent } from '../document-content.ts'
import { drawClosing } from './closing.ts'
import { type FontSet, readFonts, type StyledText } from './font-set.ts'
import { drawOpening } from './opening.ts'
import { createPen } from './pen.ts'
import { createSheet, drawFeet, footText } from './sheet.ts'
import { drawTable } from './table.ts'

export async function drawDocument(
  pdf: PDFKit.PDFDocument,
  content: DocumentContent,
  fonts: FontSet,
): Promise<void> {
  const sheet = createSheet(pdf, createPen(pdf, fonts), content)
  drawOpening(sheet, content)
  await drawTable(sheet, content)
  drawClosing(sheet, content)
  drawFeet(sheet, content)
}

export function readDocumentFonts(content: DocumentContent): Promise<FontSet> {
  return readFonts(textsOf(content))
}

function textsOf(content: DocumentContent): StyledText[] {
  const { title, number, headline, facts, parties, columns, rows, totals, notes } = content
  const bold = [title, `${headline.amount} ${headline.text}`, ...parties.map(({ name }) => name)]
  const normal = [
    ...facts.flatMap(({ label, value }) => [label, value]),
    ...parties.flatMap(({ role, address, contacts }) => [role, ...address, ...contacts]),
    ...Object.values(columns),
    ...rows.flatMap((row) => [
      row.description,
      ...row.details,
      row.quantity,
      row.unitPrice,
      row.amount,
    ]),
    ...totals.flatMap(({ label, value }) => [label, value]),
    ...notes,
    footText(content),
    number ?? '',
  ]
  return [
    ...[...bold, ...totals.flatMap(({ label, value }) => [label, value])].map((text) => ({
      text,
      weight: 700 as const,
    })),
    ...normal.map((text) => ({ text, weight: 400 as const })),
  ]
}

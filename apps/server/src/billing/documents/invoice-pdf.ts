import type { CreditNote, Invoice } from '@tollgate/contract'
import { PDF_TEXT_CHARS_MAX } from '../../limits.ts'
import { type DocumentContent, documentContent } from './document-content.ts'

/**
 * The document as PDF, A4, with its fonts inside. The same document gives the same bytes. Rows are
 * drawn in turns with other work, and fonts are read when a text first needs them.
 */
export async function invoicePdf(document: Invoice | CreditNote): Promise<Buffer> {
  // Not before: a server that never makes a PDF needs neither the library nor its memory.
  const [{ default: PDFDocument }, { drawDocument, readDocumentFonts }] = await Promise.all([
    import('pdfkit'),
    import('./pdf/drawing.ts'),
  ])
  const content = cutTexts(documentContent(document))
  const fonts = await readDocumentFonts(content)
  const pdf = new PDFDocument({
    autoFirstPage: false,
    bufferPages: true,
    pdfVersion: '1.7',
    lang: 'en',
    displayTitle: true,
    info: {
      Title: [content.title, content.number].filter(Boolean).join(' '),
      Author: content.parties[0]?.name ?? '',
      Creator: 'Tollgate',
      Producer: 'Tollgate',
      // What is issued does not change, so neither does when it was made.
      CreationDate: new Date(document.issued_at ?? document.period.end),
    },
  })
  const whole = collect(pdf)
  await drawDocument(pdf, content, fonts)
  pdf.end()
  return whole
}

function collect(pdf: PDFKit.PDFDocument): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    pdf.on('data', (chunk: Buffer) => chunks.push(chunk))
    pdf.on('end', () => resolve(Buffer.concat(chunks)))
    pdf.on('error', reject)
  })
}

/** All texts, however deep: shaping a megabyte that no page can show would take minutes. */
function cutTexts(content: DocumentContent): DocumentContent {
  const cut = (value: unknown): unknown => {
    if (typeof value === 'string') return cutText(value)
    if (Array.isArray(value)) return value.map(cut)
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cut(inner)]))
  }
  return cut(content) as DocumentContent
}

function cutText(text: string): string {
  if (text.length <= PDF_TEXT_CHARS_MAX) return text
  return `${text.slice(0, PDF_TEXT_CHARS_MAX).toWellFormed()}…`
}

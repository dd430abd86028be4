import type { FontSet } from './font-set.ts'
import { createShaper } from './shaper.ts'
import { type Measure, type TextLine, type TextStyle, textLines } from './text-lines.ts'

type Pdf = PDFKit.PDFDocument
export type Align = 'left' | 'right'

/** Writes text of any script at a place. It moves nothing and adds no page: who calls knows where. */
export type Pen = {
  lines(text: string, style: TextStyle, width: number, linesMax?: number): TextLine[]
  /** `y` is the top of the line, `x` its left or right end. */
  line(line: TextLine, style: TextStyle, x: number, y: number, align?: Align): void
  /** On a single line. */
  text(text: string, style: TextStyle, x: number, y: number, options?: TextOptions): void
  height(style: TextStyle): number
}
type TextOptions = { align?: Align; width?: number }

const LINE_HEIGHT = 1.36
const BASELINE = 1.02
// What is not drawn letter by letter: Arabic, the scripts of India and their neighbours, Thai.
const SHAPED = /[\u0590-\u109f\u1780-\u1aaf\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{11fff}]/u

export function createPen(pdf: Pdf, fonts: FontSet): Pen {
  const shaper = createShaper(pdf, fonts.base[400])
  const measure: Measure = (run) => shaper.shape(run).reduce((sum, { width }) => sum + width, 0)
  const pen: Pen = {
    lines: (text, style, width, linesMax = Number.POSITIVE_INFINITY) =>
      textLines(text, { style, width, linesMax }, fonts, measure),
    line(line, { size, color }, x, y, align = 'left') {
      // Who copies or searches gets what was written, not glyphs in the order of the eye.
      const isShaped = SHAPED.test(line.text)
      if (isShaped) pdf.markContent('Span', { actual: line.text })
      let left = align === 'right' ? x - line.width : x
      pdf.fillColor(color)
      for (const run of line.runs.flatMap(shaper.shape)) {
        shaper.draw(run, size, left, y + size * BASELINE)
        left += run.width * size
      }
      if (isShaped) pdf.endMarkedContent()
    },
    text(text, style, x, y, { align, width = Number.POSITIVE_INFINITY } = {}) {
      for (const line of pen.lines(text, style, width, 1)) pen.line(line, style, x, y, align)
    },
    height: ({ size }) => size * LINE_HEIGHT,
  }
  return pen
}

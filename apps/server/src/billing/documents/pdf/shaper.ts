import type { FontFile } from './font-files.ts'
import { UNKNOWN } from './font-set.ts'
import type { VisualRun } from './visual-runs.ts'

/** What pdfkit is given to draw. `width` is at size 1. */
export type ShapedRun = VisualRun & { features: keyof typeof FEATURES; width: number }
type Features = PDFKit.Mixins.OpenTypeFeatures[]

const FEATURES = {
  // Given at all, they make pdfkit shape a text as one: by itself it parts it at blanks.
  all: () => [],
  // fontkit knows switches as well, which types do not say. It writes into them, so each call has its own.
  withoutMarks: () =>
    ({ mark: false, mkmk: false, abvm: false, blwm: false }) as unknown as Features,
}

/**
 * Fonts are programs, and fontkit fails on some that others run: on an accent without an anchor, say.
 * Such a run is tried without placing its marks, then letter by letter; a letter that fails even then
 * is a box. Without this, a name could keep its owner from ever having an invoice.
 */
export function createShaper(pdf: PDFKit.PDFDocument, base: FontFile) {
  const names = new Set<string>()
  const known = new Map<string, ShapedRun[]>()

  const useFont = ({ key, bytes }: FontFile) => {
    if (!names.has(key)) pdf.registerFont(key, bytes)
    names.add(key)
    pdf.font(key)
  }
  const tried = (run: VisualRun, features: keyof typeof FEATURES): ShapedRun | null => {
    try {
      useFont(run.font)
      const options = { features: FEATURES[features]() }
      return { ...run, features, width: pdf.fontSize(1).widthOfString(run.text, options) }
    } catch {
      return null
    }
  }
  const whole = (run: VisualRun) => tried(run, 'all') ?? tried(run, 'withoutMarks')
  const shape = (run: VisualRun): ShapedRun[] => {
    const one = whole(run)
    if (one !== null) return [one]
    return [...run.text].map(
      (text) => whole({ text, font: run.font }) ?? tried({ text: UNKNOWN, font: base }, 'all')!,
    )
  }

  return {
    draw({ text, font, features }: ShapedRun, size: number, x: number, baseline: number): void {
      useFont(font)
      const options = { lineBreak: false, baseline: 'alphabetic' } as const
      pdf.fontSize(size).text(text, x, baseline, { ...options, features: FEATURES[features]() })
    },
    shape(run: VisualRun): ShapedRun[] {
      const key = `${run.font.key}\0${run.text}`
      const shaped = known.get(key) ?? shape(run)
      known.set(key, shaped)
      return shaped
    },
  }
}

import type { TextStyle } from './text-lines.ts'

/** A4, in points. */
export const PAGE = { width: 595.28, height: 841.89 }
export const MARGIN = { left: 52, right: 52, top: 46, bottom: 58 }
export const LEFT = MARGIN.left
export const RIGHT = PAGE.width - MARGIN.right
export const BOTTOM = PAGE.height - MARGIN.bottom

const INK = '#1a1f2b'
const GREY = '#5d6675'
export const RULE = '#d7dbe2'
export const RULE_STRONG = '#1a1f2b'
export const TONES = { good: '#16794a', bad: '#b3261e', quiet: '#5d6675' }

export const STYLES = {
  title: { size: 24, weight: 700, color: INK },
  seller: { size: 12, weight: 700, color: INK },
  headline: { size: 15, weight: 700, color: INK },
  label: { size: 9, weight: 400, color: GREY },
  value: { size: 9, weight: 400, color: INK },
  name: { size: 9.5, weight: 700, color: INK },
  columnHead: { size: 8, weight: 400, color: GREY },
  cell: { size: 9, weight: 400, color: INK },
  detail: { size: 7.5, weight: 400, color: GREY },
  total: { size: 9, weight: 400, color: INK },
  totalStrong: { size: 10.5, weight: 700, color: INK },
  foot: { size: 7.5, weight: 400, color: GREY },
  stamp: { size: 10, weight: 700, color: INK },
} satisfies Record<string, TextStyle>

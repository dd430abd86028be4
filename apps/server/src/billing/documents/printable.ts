// Overrides and isolates let a name show digits in another order than they are in. Marks (U+200E,
// U+200F) and joiners stay: honest text in Hebrew, Persian and Hindi needs them.
const REORDERS = /[\u202a-\u202e\u2066-\u2069]/g
const BLANK = /[\p{Zs}\p{Zl}\p{Zp}\t\n\v\f\r]+/gu
const UNSEEN = /[\p{Cc}\ufff9-\ufffb\ufeff]/gu

/**
 * Somebody’s text as one line that can be shown: without controls, without what changes the order of
 * the text around it, and with halves of surrogate pairs as U+FFFD.
 */
export function printable(text: string): string {
  return text.toWellFormed().replace(REORDERS, '').replace(BLANK, ' ').replace(UNSEEN, '').trim()
}

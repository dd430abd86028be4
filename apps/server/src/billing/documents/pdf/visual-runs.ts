import bidiFactory from 'bidi-js'
import type { FontFile } from './font-files.ts'
import type { Cluster } from './font-set.ts'

/** What is drawn at a stretch, from left to right. */
export type VisualRun = { text: string; font: FontFile }
export type Direction = 'ltr' | 'rtl'

type LogicalRun = { clusters: string[]; font: FontFile; level: number; script: string | null }

const bidi = bidiFactory()
// The scripts that fontkit itself lays out from right to left, of those that Unicode has names for.
const SHAPED_RIGHT_TO_LEFT =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u

// Blocks of letters from right to left, their digits, and the mark that acts like one.
const MAY_TURN =
  /[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u

/** That of the first letter that has one. */
export function directionOf(text: string): Direction {
  if (!MAY_TURN.test(text)) return 'ltr'
  const { paragraphs } = bidi.getEmbeddingLevels(text, 'auto')
  return ((paragraphs[0]?.level ?? 0) & 1) === 1 ? 'rtl' : 'ltr'
}

/** A line in the order of the eye. Runs share font, direction and script, as shaping needs it. */
export function visualRuns(line: readonly Cluster[], direction: Direction): VisualRun[] {
  const runs = logicalRuns(line, levelsOf(line.map(({ text }) => text).join(''), direction))
  return inVisualOrder(runs).map((run) => ({ text: textOf(run), font: run.font }))
}

function levelsOf(text: string, direction: Direction): ArrayLike<number> {
  if (direction === 'ltr' && !MAY_TURN.test(text)) return []
  return bidi.getEmbeddingLevels(text, direction).levels
}

function logicalRuns(line: readonly Cluster[], levels: ArrayLike<number>): LogicalRun[] {
  const runs: LogicalRun[] = []
  let position = 0
  for (const { text, font } of line) {
    const level = levels[position] ?? 0
    position += text.length
    const script = scriptOf(text)
    const last = runs.at(-1)
    const joins =
      last !== undefined &&
      last.font === font &&
      last.level === level &&
      (last.script === script || last.script === null || script === null)
    if (!joins) runs.push({ clusters: [text], font, level, script })
    else {
      last.clusters.push(text)
      last.script ??= script
    }
  }
  return runs
}

/** fontkit shapes a run by the first script in it, so kinds that are shaped differently are kept apart. */
function scriptOf(cluster: string): string | null {
  if (/\p{Script=Devanagari}/u.test(cluster)) return 'devanagari'
  if (SHAPED_RIGHT_TO_LEFT.test(cluster)) return 'right to left'
  return /\p{L}/u.test(cluster) ? 'other' : null
}

/** Rule L2 of the Unicode bidirectional algorithm, for runs. */
function inVisualOrder(runs: readonly LogicalRun[]): LogicalRun[] {
  const ordered = [...runs]
  const highest = runs.reduce((most, { level }) => Math.max(most, level), 0)
  for (let level = highest; level > 0; level -= 1) {
    let start = 0
    while (start < ordered.length) {
      let end = start
      while (end < ordered.length && ordered[end]!.level >= level) end += 1
      if (end > start) {
        const turned = ordered.slice(start, end).reverse()
        ordered.splice(start, turned.length, ...turned)
      }
      start = end + 1
    }
  }
  return ordered
}

/** fontkit turns what it takes for right to left, digits of Arabic included, which are not. */
function textOf({ clusters, level, script }: LogicalRun): string {
  const rightToLeft = (level & 1) === 1
  const shown = rightToLeft
    ? clusters.map((cluster) => bidi.getMirroredCharacter(cluster) ?? cluster)
    : clusters
  const turns = script === 'right to left'
  return (turns === rightToLeft ? shown : shown.toReversed()).join('')
}

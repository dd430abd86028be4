import LineBreaker from 'linebreak'
import type { Weight } from './font-files.ts'
import { type Cluster, clustersOf, type FontSet } from './font-set.ts'
import { type Direction, directionOf, type VisualRun, visualRuns } from './visual-runs.ts'

export type TextStyle = { size: number; weight: Weight; color: string }
/** `text` is in the order in which it is read. */
export type TextLine = { text: string; runs: VisualRun[]; width: number }

/** How wide a run is at size 1. */
export type Measure = (run: VisualRun) => number

type Wide = (clusters: readonly Cluster[]) => number
type Piece = { clusters: Cluster[]; width: number }

const words = new Intl.Segmenter('th', { granularity: 'word' })
const MORE = '…'
const NEARLY = 0.9

/**
 * Breaks a text where its language allows it; a word that is wider than a line, between two of its
 * characters. What does not fit into `linesMax` lines ends with “…”.
 */
export function textLines(
  text: string,
  { style, width, linesMax }: { style: TextStyle; width: number; linesMax: number },
  fonts: FontSet,
  measure: Measure,
): TextLine[] {
  const direction = directionOf(text)
  const wide = (clusters: readonly Cluster[]) =>
    visualRuns(clusters, direction).reduce((sum, run) => sum + measure(run), 0) * style.size
  const clusters = fonts.clusters(text, style.weight)
  const lines: Cluster[][] = []
  let line: Piece = { clusters: [], width: 0 }
  for (const piece of piecesThatFit(text, clusters, width, wide)) {
    if (line.clusters.length > 0 && !fits(line, piece, width, wide)) {
      lines.push(line.clusters)
      line = { clusters: [], width: 0 }
      if (lines.length > linesMax) break
    }
    line = { clusters: [...line.clusters, ...piece.clusters], width: line.width + piece.width }
  }
  if (line.clusters.length > 0) lines.push(line.clusters)
  const shown = lines.slice(0, linesMax).map(withoutEnd)
  if (lines.length > linesMax) {
    const more = { text: MORE, font: fonts.base[style.weight] }
    shown.push(cutToFit(shown.pop() ?? [], more, width, wide))
  }
  return shown.map((line) => laidOut(line, direction, wide))
}

/** Letters that meet move a little, so a line that is nearly full is measured as a whole. */
function fits(line: Piece, next: Piece, width: number, wide: Wide): boolean {
  const shown = withoutEnd(next.clusters)
  const sum = line.width + wide(shown)
  if (sum < width * NEARLY || sum * NEARLY > width) return sum < width
  return wide([...line.clusters, ...shown]) <= width
}

function laidOut(line: readonly Cluster[], direction: Direction, wide: Wide): TextLine {
  const text = line.map((cluster) => cluster.text).join('')
  return { text, runs: visualRuns(line, direction), width: wide(line) }
}

function* piecesThatFit(
  text: string,
  clusters: readonly Cluster[],
  width: number,
  wide: Wide,
): Generator<Piece> {
  const sources = clustersOf(text)
  for (const piece of piecesBetween(sources, clusters, breaksOf(text))) {
    const all = wide(piece.clusters)
    if (all <= width) {
      yield { clusters: piece.clusters, width: all }
      continue
    }
    // Thai has no blanks between words, so its words are a piece that only a dictionary can part.
    const inner = piecesBetween(piece.sources, piece.clusters, wordEnds(piece.sources.join('')))
    for (const word of inner) {
      const ofWord = wide(word.clusters)
      if (ofWord <= width) yield { clusters: word.clusters, width: ofWord }
      else for (const one of word.clusters) yield { clusters: [one], width: wide([one]) }
    }
  }
}

function* piecesBetween(
  sources: readonly string[],
  clusters: readonly Cluster[],
  ends: ReadonlySet<number>,
): Generator<{ sources: string[]; clusters: Cluster[] }> {
  let [start, position] = [0, 0]
  for (const [index, source] of sources.entries()) {
    position += source.length
    if (!ends.has(position) && index < sources.length - 1) continue
    yield { sources: sources.slice(start, index + 1), clusters: clusters.slice(start, index + 1) }
    start = index + 1
  }
}

function breaksOf(text: string): Set<number> {
  const breaker = new LineBreaker(text)
  const ends = new Set<number>()
  for (let next = breaker.nextBreak(); next !== null; next = breaker.nextBreak()) {
    ends.add(next.position)
  }
  return ends
}

function wordEnds(text: string): Set<number> {
  return new Set(Array.from(words.segment(text), ({ segment, index }) => index + segment.length))
}

function withoutEnd(line: readonly Cluster[]): Cluster[] {
  const last = line.findLastIndex(({ text }) => text.trim() !== '')
  return line.slice(0, last + 1)
}

function cutToFit(line: readonly Cluster[], more: Cluster, width: number, wide: Wide): Cluster[] {
  for (let count = line.length; count > 0; count -= 1) {
    const cut = [...withoutEnd(line.slice(0, count)), more]
    if (wide(cut) <= width) return cut
  }
  return [more]
}

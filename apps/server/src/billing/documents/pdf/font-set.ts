import type { FontFile, Weight } from './font-files.ts'
import { baseTypeface, shapesOf, typefacesFor } from './typefaces.ts'

export type StyledText = { text: string; weight: Weight }

/** A character with what belongs to it (accents, vowel signs, joiners), and the font that has it all. */
export type Cluster = { text: string; font: FontFile }

/** The fonts of a document. They are read beforehand, so that its pages can be drawn without waiting. */
export type FontSet = {
  base: Record<Weight, FontFile>
  clusters(text: string, weight: Weight): Cluster[]
}

export const UNKNOWN = '\ufffd'
// Seen by what they do to their neighbours, so no font needs a glyph for them.
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/u
const PLAIN = /^[ -~]*$/
const characters = new Intl.Segmenter('en', { granularity: 'grapheme' })

export async function readFonts(texts: Iterable<StyledText>): Promise<FontSet> {
  const base = { 400: (await baseTypeface(0, 400))!, 700: (await baseTypeface(0, 700))! }
  const known = new Map<string, Cluster>()
  for (const { text, weight } of texts) {
    const shapes = shapesOf(text)
    const typefaces = typefacesFor(shapes)
    for (const cluster of clustersOf(text)) {
      const key = `${weight}${shapes}${cluster}`
      if (hasAll(base[weight], cluster) || known.has(key)) continue
      known.set(key, await find(cluster, weight, typefaces, base[weight]))
    }
  }
  return {
    base,
    clusters(text, weight) {
      const shapes = shapesOf(text)
      return clustersOf(text).map((cluster) => {
        if (hasAll(base[weight], cluster)) return { text: cluster, font: base[weight] }
        return known.get(`${weight}${shapes}${cluster}`) ?? { text: UNKNOWN, font: base[weight] }
      })
    },
  }
}

export function clustersOf(text: string): string[] {
  // Most texts, and the segmenter takes longer for them than all that follows.
  if (PLAIN.test(text)) return text.split('')
  return Array.from(characters.segment(text), ({ segment }) => segment)
}

async function find(
  cluster: string,
  weight: Weight,
  typefaces: ReturnType<typeof typefacesFor>,
  base: FontFile,
): Promise<Cluster> {
  const first = cluster.codePointAt(0)!
  for (const typeface of typefaces) {
    const font = await typeface(first, weight)
    if (font !== null && hasAll(font, cluster)) return { text: cluster, font }
  }
  // None has all of it: the letter alone says more than a box.
  for (const typeface of typefaces) {
    const font = await typeface(first, weight)
    if (font?.has(first)) return { text: String.fromCodePoint(first), font }
  }
  return { text: UNKNOWN, font: base }
}

function hasAll(font: FontFile, cluster: string): boolean {
  for (const character of cluster) {
    if (!font.has(character.codePointAt(0)!) && !INVISIBLE.test(character)) return false
  }
  return true
}

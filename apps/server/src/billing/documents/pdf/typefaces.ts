import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type FontFile,
  folderOf,
  trueTypeFile,
  variableFile,
  type Weight,
  woffFile,
} from './font-files.ts'

/** Finds the file that may have a character; null: it has none that could. */
export type Typeface = (codePoint: number, weight: Weight) => Promise<FontFile | null>

/** Latin, Greek, Cyrillic, Devanagari and most signs: what all of our own words are in. */
export const baseTypeface: Typeface = (_codePoint, weight) =>
  trueTypeFile(embedded('latin', 'NotoSans', weight))

const hebrew: Typeface = async (codePoint, weight) =>
  within(codePoint, 0x590, 0x5ff) || within(codePoint, 0xfb1d, 0xfb4f)
    ? trueTypeFile(embedded('hebrew', 'NotoSansHebrew', weight))
    : null

const arabic: Typeface = async (codePoint, weight) =>
  within(codePoint, 0x600, 0x8ff) ||
  within(codePoint, 0xfb50, 0xfdff) ||
  within(codePoint, 0xfe70, 0xfeff)
    ? trueTypeFile(embedded('arabic', 'NotoNaskhArabic', weight))
    : null

const thai: Typeface = async (codePoint, weight) => {
  if (!within(codePoint, 0xe00, 0xe7f)) return null
  const folder = folderOf('@fontsource/noto-sans-thai', 'LICENSE')
  return woffFile(join(folder, 'files', `noto-sans-thai-thai-${weight}-normal.woff`))
}

const chinese = slicedTypeface('noto-sans-sc')
const japanese = slicedTypeface('noto-sans-jp')
const korean = slicedTypeface('noto-sans-kr')

/** Scripts whose font has one slice for all of it. */
const SCRIPTS: [name: string, letters: RegExp][] = [
  ['armenian', /\p{Script=Armenian}/u],
  ['bengali', /\p{Script=Bengali}/u],
  ['georgian', /\p{Script=Georgian}/u],
  ['gujarati', /\p{Script=Gujarati}/u],
  ['gurmukhi', /\p{Script=Gurmukhi}/u],
  ['kannada', /\p{Script=Kannada}/u],
  ['khmer', /\p{Script=Khmer}/u],
  ['malayalam', /\p{Script=Malayalam}/u],
  ['tamil', /\p{Script=Tamil}/u],
  ['telugu', /\p{Script=Telugu}/u],
]

const scripts: readonly Typeface[] = SCRIPTS.map(([name, letters]) => {
  const typeface = slicedTypeface(`noto-sans-${name}`, name)
  return async (codePoint, weight) =>
    letters.test(String.fromCodePoint(codePoint)) ? typeface(codePoint, weight) : null
})

/** Every character there is, as dots: not pretty, but it can be read, which a box cannot. */
const lastResort: Typeface = async () => {
  const folder = folderOf('@fontsource/unifontex', 'LICENSE')
  return woffFile(join(folder, 'files', 'unifontex-latin-400-normal.woff'))
}

/** Which shapes a text wants of the characters that East Asian languages share. */
export type Shapes = 'chinese' | 'japanese' | 'korean'

/** Kana and hangul tell which ones are meant. */
export function shapesOf(text: string): Shapes {
  if (/[\p{Script=Hiragana}\p{Script=Katakana}]/u.test(text)) return 'japanese'
  return /\p{Script=Hangul}/u.test(text) ? 'korean' : 'chinese'
}

const EAST_ASIAN: Record<Shapes, readonly Typeface[]> = {
  chinese: [chinese, japanese, korean],
  japanese: [japanese, chinese, korean],
  korean: [korean, chinese, japanese],
}

/** In the order in which they are asked for a character. */
export function typefacesFor(shapes: Shapes): readonly Typeface[] {
  return [baseTypeface, hebrew, arabic, thai, ...scripts, ...EAST_ASIAN[shapes], lastResort]
}

function embedded(folder: string, family: string, weight: Weight): string {
  const file = `${family}-${weight === 700 ? 'Bold' : 'Regular'}.ttf`
  return join(folderOf(`@embedpdf/fonts-${folder}`), '..', 'fonts', file)
}

function within(codePoint: number, first: number, last: number): boolean {
  return codePoint >= first && codePoint <= last
}

type Slice = { first: number; last: number; name: string }

/** A variable font in files: one of ten thousand characters has a hundred, of which a name needs three. */
function slicedTypeface(family: string, only: string | null = null): Typeface {
  let slices: Promise<Map<string, string>> | undefined
  let ranges: Slice[] = []
  const read = async () => {
    const folder = folderOf(`@fontsource-variable/${family}`, 'LICENSE')
    const ofSlices = readSlices(await readFile(join(folder, 'unicode.json'), 'utf8'), only)
    ranges = ofSlices.sort((a, b) => a.first - b.first)
    return charactersBySlice(ofSlices)
  }
  return async (codePoint, weight) => {
    slices ??= read()
    const bySlice = await slices
    const slice = sliceWith(ranges, codePoint)
    if (slice === null) return null
    const folder = folderOf(`@fontsource-variable/${family}`, 'LICENSE')
    const path = join(folder, 'files', `${family}-${slice.name}-wght-normal.woff2`)
    return variableFile(path, weight, bySlice.get(slice.name)!)
  }
}

/**
 * As in `{"[4]": "U+1f1e9-1f1f5,U+1f21a", "latin": …}`: the one that is asked for, or all that have a
 * number. Others are of scripts that another font has better.
 */
function readSlices(json: string, only: string | null): Slice[] {
  return Object.entries(JSON.parse(json) as Record<string, string>).flatMap(([key, ranges]) => {
    const name = only === null ? /^\[(\d+)\]$/.exec(key)?.[1] : key
    if (name === undefined || (only !== null && name !== only)) return []
    return ranges.split(',').map((range) => {
      const [first, last = first] = range.replace(/^U\+/i, '').split('-')
      return { first: Number.parseInt(first!, 16), last: Number.parseInt(last!, 16), name }
    })
  })
}

function charactersBySlice(slices: readonly Slice[]): Map<string, string> {
  const bySlice = new Map<string, string>()
  for (const { first, last, name } of slices) {
    let characters = bySlice.get(name) ?? ''
    for (let code = first; code <= last; code += 1) characters += String.fromCodePoint(code)
    bySlice.set(name, characters)
  }
  return bySlice
}

function sliceWith(sorted: readonly Slice[], codePoint: number): Slice | null {
  let [low, high] = [0, sorted.length - 1]
  while (low <= high) {
    const middle = (low + high) >> 1
    const slice = sorted[middle]!
    if (codePoint < slice.first) high = middle - 1
    else if (codePoint > slice.last) low = middle + 1
    else return slice
  }
  return null
}

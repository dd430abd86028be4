import type { CatalogUsage } from '../catalog/types.ts'

/**
 * Formats that belong together, as the breakdown shows them. The catalog adds families, and moves formats
 * to them. A format that is in none is a family of its own.
 */
const FAMILIES: Record<string, readonly string[]> = {
  excel: ['xlsx', 'xls', 'xlsm', 'xlsb', 'xltx', 'xltm', 'xlt'],
  pdf: ['pdf'],
  word: ['docx', 'doc', 'docm', 'dotx', 'dotm', 'dot', 'rtf'],
  powerpoint: ['pptx', 'ppt', 'pptm', 'ppsx', 'pps', 'potx', 'potm', 'pot'],
  opendocument: ['odt', 'ods', 'odp', 'odg'],
  text: ['txt', 'text', 'log'],
  csv: ['csv', 'tsv'],
  markdown: ['md', 'markdown', 'mdx'],
  html: ['html', 'htm', 'xhtml', 'mhtml'],
  image: ['png', 'jpg', 'jpeg', 'gif', 'webp', 'tif', 'tiff', 'bmp', 'svg', 'heic', 'avif'],
  audio: ['mp3', 'wav', 'flac', 'ogg', 'm4a', 'aac'],
  video: ['mp4', 'mov', 'avi', 'mkv', 'webm'],
  email: ['eml', 'msg', 'mbox'],
  ebook: ['epub', 'mobi', 'azw3'],
}

const OUTPUT_NAMES = new Map([
  ['md', 'markdown'],
  ['htm', 'html'],
  ['txt', 'text'],
  ['jpg', 'jpeg'],
  ['yml', 'yaml'],
])

/** Upper and lower case are the same, and so is a leading dot. */
export function formatOf(value: string): string {
  return value.toLowerCase().replace(/^\./, '')
}

/** Of `in-to-out`, each of both as above. */
export function conversionOf(value: string): string {
  return formatOf(value).replace('-to-.', '-to-')
}

export type FormatFamilies = {
  familyOf(format: string): string
  /** Whether a family has other formats than one of its own name, so that it says which. */
  hasSubtypes(family: string): boolean
  /** Another text where the catalog has another table: part of an ETag. */
  mark: string
}

type Formats = Pick<CatalogUsage, 'formats'>

const known = new WeakMap<Formats, FormatFamilies>()

export function formatFamilies(usage: Formats): FormatFamilies {
  const families = known.get(usage) ?? familiesFrom(usage)
  known.set(usage, families)
  return families
}

function familiesFrom({ formats }: Formats): FormatFamilies {
  const familyByFormat = new Map<string, string>()
  for (const [family, members] of [...Object.entries(FAMILIES), ...Object.entries(formats)]) {
    for (const format of members) familyByFormat.set(format, family)
  }
  const familyOf = (format: string) => familyByFormat.get(format) ?? format
  const members = Map.groupBy(familyByFormat.keys(), familyOf)
  return {
    familyOf,
    hasSubtypes(family) {
      return members.get(family)?.some((format) => format !== family) ?? false
    },
    mark: JSON.stringify(formats),
  }
}

export function outputNameOf(format: string): string {
  return OUTPUT_NAMES.get(format) ?? format
}

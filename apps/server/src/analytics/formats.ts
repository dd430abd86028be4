/**
 * Formats that belong together, as the breakdown shows them. A format that is in none of these is a
 * family of its own.
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

const familyByFormat = new Map(
  Object.entries(FAMILIES).flatMap(([family, formats]) =>
    formats.map((format) => [format, family] as const),
  ),
)

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

export function familyOf(format: string): string {
  return familyByFormat.get(format) ?? format
}

/** Whether a family has more than one format, so that it says which. */
export function hasSubtypes(family: string): boolean {
  return (FAMILIES[family]?.length ?? 1) > 1
}

export function outputNameOf(format: string): string {
  return OUTPUT_NAMES.get(format) ?? format
}

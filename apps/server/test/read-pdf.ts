import { getDocument, VerbosityLevel } from 'pdfjs-dist/legacy/build/pdf.mjs'

/** The text of each page as Mozilla’s reader finds it. */
export async function readPdf(
  bytes: Buffer,
): Promise<{ pages: string[]; title: string; created: string }> {
  const task = getDocument({ data: new Uint8Array(bytes), verbosity: VerbosityLevel.ERRORS })
  const pdf = await task.promise
  const pages: string[] = []
  for (let number = 1; number <= pdf.numPages; number += 1) {
    const { items } = await (await pdf.getPage(number)).getTextContent()
    pages.push(items.map((item) => ('str' in item ? item.str : '')).join(''))
  }
  const { Title: title, CreationDate: created } = (await pdf.getMetadata()).info as {
    Title: string
    CreationDate: string
  }
  await task.destroy()
  return { pages, title, created }
}

/** How many fonts it names, and how many are inside. */
export function fontsOf(bytes: Buffer): { named: number; embedded: number; standard: number } {
  const text = bytes.toString('latin1')
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0
  return {
    named: count(/\/Type \/FontDescriptor\b/g),
    embedded: count(/\/FontFile[23]? \d+ 0 R/g),
    standard: count(/\/Subtype \/Type1\b/g),
  }
}

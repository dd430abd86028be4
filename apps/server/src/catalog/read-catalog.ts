import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { CatalogError, parseCatalog } from './parse-catalog.ts'
import type { CatalogDefinition } from './schema.ts'

/** What a file says, and the SHA-256 of its bytes, by which it is known again. */
export type CatalogFile = { definition: CatalogDefinition; hash: Buffer }

/** Reads a catalog file. Throws a CatalogError that names every problem, also when there is no file. */
export async function readCatalog(file: string): Promise<CatalogDefinition> {
  return (await readCatalogFile(file)).definition
}

/** As `readCatalog`, with what the file is known by. */
export async function readCatalogFile(file: string): Promise<CatalogFile> {
  const bytes = await bytesOf(file)
  const hash = createHash('sha256').update(bytes).digest()
  return { definition: parseCatalog(bytes.toString('utf8'), file), hash }
}

async function bytesOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new CatalogError([`${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`])
  }
}

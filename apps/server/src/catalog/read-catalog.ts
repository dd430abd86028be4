import { readFile } from 'node:fs/promises'
import { CatalogError, parseCatalog } from './parse-catalog.ts'
import type { CatalogDefinition } from './schema.ts'

/** Reads a catalog file. Throws a CatalogError that names every problem, also when there is no file. */
export async function readCatalog(file: string): Promise<CatalogDefinition> {
  return parseCatalog(await textOf(file), file)
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new CatalogError([`${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`])
  }
}

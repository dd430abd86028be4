import { readFile, writeFile } from 'node:fs/promises'
import { catalogJsonSchema } from './catalog/json-schema.ts'

const FILE = new URL('../../../catalogs/catalog.schema.json', import.meta.url)

/** Writes the form of catalog files, as the program checks it. */
export async function writeCatalogSchema(): Promise<void> {
  await writeFile(FILE, text())
}

/** @returns the exit code: 1 if the committed schema is not the one that the program checks by */
export async function checkCatalogSchema(): Promise<number> {
  const committed = await readFile(FILE, 'utf8').catch(() => '')
  if (committed === text()) return 0
  process.stderr.write(
    'catalog.schema.json is not what the program checks. Write it with: npm run tollgate -- catalog-schema\n',
  )
  return 1
}

function text(): string {
  return `${JSON.stringify(catalogJsonSchema(), null, 2)}\n`
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A catalog of a test's own; `remove` takes it away again. */
export async function catalogFile(
  text: string,
): Promise<{ path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'tollgate-catalog-'))
  const path = join(folder, 'catalog.yaml')
  await writeFile(path, text)
  return { path, remove: () => rm(folder, { recursive: true }) }
}

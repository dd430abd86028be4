import { randomBytes } from 'node:crypto'
import { filesOf, readIfThere, writePrivateFile } from './data-folder.ts'
import { EmbeddedPostgresError } from './error.ts'

/** The password of the cluster: made before it, so that no cluster exists whose password is not on the disk. */
export async function passwordFor(dataDir: string, clusterExists: boolean): Promise<string> {
  const path = filesOf(dataDir).password
  const known = (await readIfThere(path))?.trim()
  if (known !== undefined && known !== '') return known
  if (clusterExists) {
    throw new EmbeddedPostgresError(
      `The file ${path} is missing: it holds the password of the database in this folder. Restore it from your backup.`,
    )
  }
  const password = randomBytes(24).toString('base64url')
  await writePrivateFile(path, `${password}\n`)
  return password
}

import type { Queryable } from '../db/pool.ts'
import { readUsageProperties } from './store.ts'
import { storedProperties } from './stored.ts'

/** Properties by whose values calls are counted, in order, as the newest catalog has it. */
export async function countedProperties(db: Queryable): Promise<readonly string[]> {
  return storedProperties(await readUsageProperties(db))
}

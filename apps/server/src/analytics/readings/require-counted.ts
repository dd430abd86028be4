import { ProblemError } from '../../lib/problem-error.ts'
import { USAGE_LOG_LINES_MAX } from '../../limits.ts'
import type { UsageSource } from './folded-reader.ts'
import { readUncountedLines } from './store.ts'

/**
 * Whether usage can be read by a property. Rollups that have not counted it, since the catalog names it
 * only of late, are not used: the log is read, as long as that is not too much.
 * @throws ProblemError not_yet_counted
 */
export async function requireCounted(
  { pool, tenantNo }: UsageSource,
  property: string,
): Promise<void> {
  // One more than is read, so that too many are told apart.
  const lines = await readUncountedLines(pool, tenantNo, property, USAGE_LOG_LINES_MAX + 1)
  if (lines !== null && lines > USAGE_LOG_LINES_MAX) throw new ProblemError('not_yet_counted')
}

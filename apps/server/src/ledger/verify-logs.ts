import type pg from 'pg'
import type { Catalog } from '../catalog/catalog.ts'
import { readLogs } from './store.ts'
import { type Difference, verifyLog } from './verify.ts'

/** `cut`: logs whose old lines are deleted, and how many lines they had before that. */
export type VerifiedLogs = {
  logs: number
  lines: number
  cut: { logs: number; lines: number }
  differences: Difference[]
}

/** Told how many lines there are, and how many more of them were verified. */
export type VerifyProgress = { total(lines: number): void; verified(lines: number): void }

/** Verifies the logs of all tenants. `client` should be in one snapshot. */
export async function verifyLogs(
  client: pg.ClientBase,
  catalog: Catalog,
  progress: VerifyProgress,
): Promise<VerifiedLogs> {
  const logs = await readLogs(client)
  progress.total(logs.reduce((sum, { lines }) => sum + lines, 0))
  const result: VerifiedLogs = {
    logs: logs.length,
    lines: 0,
    cut: { logs: 0, lines: 0 },
    differences: [],
  }
  for (const { tenantNo } of logs) {
    const onLines = (lines: number) => progress.verified(lines)
    const verified = await verifyLog(client, catalog, tenantNo, onLines)
    result.lines += verified.lines
    if (verified.cutSeq > 0) {
      result.cut.logs += 1
      result.cut.lines += verified.cutSeq
      progress.verified(verified.cutSeq)
    }
    result.differences.push(...verified.differences)
  }
  return result
}

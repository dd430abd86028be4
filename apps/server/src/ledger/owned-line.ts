import type { Caller } from '../lib/caller.ts'
import { ProblemError } from '../lib/problem-error.ts'

/**
 * The line that a public id leads to, if the caller may know of it.
 * @throws ProblemError not_found, for malformed ids and other tenants' alike
 */
export function ownedLine(
  caller: Caller,
  line: { tenantNo: number; seq: number } | null,
): { tenantNo: number; seq: number } {
  const foreign = caller.tenant !== null && caller.tenant.tenantNo !== line?.tenantNo
  if (line === null || foreign) throw new ProblemError('not_found')
  return line
}

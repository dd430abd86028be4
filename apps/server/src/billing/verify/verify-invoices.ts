import pg from 'pg'
import type { Catalog } from '../../catalog/catalog.ts'
import { classifyDatabaseError } from '../../db/errors.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { readSeries, readTenantNos, type SeriesRow } from './store.ts'
import type { BillingDifference, VerifiedInvoices } from './types.ts'
import { verifyTenant } from './verify-tenant.ts'

/**
 * Works out again, from the logs alone, everything that was measured and issued, and compares it to the
 * cent. `client` should be in one snapshot. What cannot be worked out is a difference, too; only a
 * database that fails is an error.
 */
export async function verifyInvoices(
  client: pg.ClientBase,
  catalog: Catalog,
): Promise<VerifiedInvoices> {
  const result: VerifiedInvoices = {
    tenants: 0,
    invoices: 0,
    creditNotes: 0,
    past: 0,
    differences: [],
  }
  for (const tenantNo of await readTenantNos(client)) {
    const differ = (of: string | null, what: string) => {
      result.differences.push({ tenantNo, of, what })
    }
    result.tenants += 1
    try {
      const counted = await verifyTenant(client, catalog, tenantNo, differ)
      result.invoices += counted.invoices
      result.creditNotes += counted.creditNotes
      result.past += counted.past
    } catch (error) {
      if (isDatabaseFailure(error)) throw error
      differ(null, `cannot be worked out again: ${error instanceof Error ? error.message : error}`)
    }
  }
  for (const row of await readSeries(client)) {
    const what = gapIn(row)
    if (what !== null) result.differences.push({ tenantNo: null, of: `series ${row.series}`, what })
  }
  return result
}

/** `tenant number 3, INV-000001: line 2: amount is …` */
export function differenceText({ tenantNo, of, what }: BillingDifference): string {
  const place = [tenantNo === null ? null : `tenant number ${tenantNo}`, of]
  return `${place.filter((part) => part !== null).join(', ')}: ${what}`
}

function isDatabaseFailure(error: unknown): boolean {
  if (error instanceof ProblemError) return false
  return error instanceof pg.DatabaseError || classifyDatabaseError(error) !== 'other'
}

/** From 1 to the last that was taken, each once. */
function gapIn({ last_no, documents, different, lowest, highest }: SeriesRow): string | null {
  const last = last_no ?? 0n
  if (different !== documents) return `${documents} documents have ${different} numbers`
  if (documents === last && (last === 0n || (lowest === 1n && highest === last))) return null
  return `${documents} documents are numbered from ${lowest} to ${highest}, but ${last} numbers were taken`
}

import { closePeriods } from '../src/billing/invoices/close-periods.ts'
import { invoiceIdOf } from '../src/billing/invoices/invoice-json.ts'
import { accountAt } from '../src/ledger/readings.ts'
import { handClock, type TestNode } from './node.ts'

const MONTH_MS = 32 * 86_400_000

/** The invoice of a tenant's running period, issued as if the period had ended. @returns its id */
export async function issuedInvoice({ server }: TestNode, tenantId: string): Promise<string> {
  const { pool, catalog, ledger } = server
  const { rows } = await pool.query<{ tenant_no: number }>(
    'SELECT tenant_no FROM tenant WHERE tenant_id = $1',
    [tenantId],
  )
  const tenantNo = rows[0]!.tenant_no
  const now = server.clock.now()
  const { account } = await accountAt(pool, catalog, tenantNo, now)
  const clock = handClock(now + MONTH_MS)
  const seller = { name: 'Tollgate', address: [], email: null, tax_id: null }
  await closePeriods({ pool, catalog, ledger, clock, seller, collects: false }, tenantNo)
  return invoiceIdOf(tenantNo, account.period.start)
}

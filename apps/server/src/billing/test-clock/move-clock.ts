import { accountAt } from '../../ledger/readings.ts'
import { carriedOut } from '../../ledger/refusals.ts'
import { makeIdempotencyKey, storedKey } from '../../lib/idempotency.ts'
import { invalidField, ProblemError } from '../../lib/problem-error.ts'
import { TEST_CLOCK_DAYS_MAX } from '../../limits.ts'
import { type ClosingDependencies, closePeriods } from '../invoices/close-periods.ts'

const DAY_MS = 86_400_000

/**
 * Moves a tenant's test clock on, from the end of one period to that of the next until `to`, so that
 * every month leaves the lines and the invoice that it would have left.
 * @returns ids of the invoices that were issued on the way
 * @throws ProblemError no_test_clock, invalid_request for a time that lies before the clock's
 */
export async function moveTestClock(
  deps: ClosingDependencies,
  tenantNo: number,
  senderNo: number | null,
  to: number,
): Promise<string[]> {
  const issued: string[] = []
  for (;;) {
    const { account } = await accountAt(deps.pool, deps.catalog, tenantNo, deps.clock.now())
    const { testClock, period } = account
    if (testClock === null) throw new ProblemError('no_test_clock')
    if (to < testClock) throw invalidField('now', 'lies before the time that the test clock shows')
    if (to > testClock + TEST_CLOCK_DAYS_MAX * DAY_MS) {
      throw invalidField('now', `at most ${TEST_CLOCK_DAYS_MAX} days after what the clock shows`)
    }
    const next = Math.min(to, period.end)
    const key = { key: storedKey(makeIdempotencyKey()), fingerprint: 0 }
    const order = { kind: 'change', change: { testClock: next } } as const
    carriedOut(await deps.ledger.submit(tenantNo, senderNo, order, key))
    issued.push(...(await closePeriods(deps, tenantNo)))
    if (next === to) return issued
  }
}

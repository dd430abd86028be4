import { randomBytes } from 'node:crypto'
import type { DiscountReply, discountBody } from '@tollgate/contract'
import type { z } from 'zod'
import { inTransaction } from '../../db/pool.ts'
import type { Actor } from '../../lib/caller.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { DISCOUNTS_PER_TENANT_MAX } from '../../limits.ts'
import { billingCurrency } from '../currency.ts'
import { amountIn } from './amount-in.ts'
import type { ProfileDependencies } from './change-profile.ts'
import {
  type DiscountRow,
  endDiscount,
  insertDiscount,
  lockBilledTenant,
  readDiscounts,
} from './store.ts'

/** @throws ProblemError invalid_request, too_many_discounts */
export async function giveDiscount(
  deps: ProfileDependencies,
  actor: Actor,
  tenantNo: number,
  { description, kind, value, periods }: z.infer<typeof discountBody>,
): Promise<DiscountReply> {
  const { pool, catalog, clock } = deps
  return inTransaction(pool, async (db) => {
    await lockBilledTenant(db, tenantNo)
    if ((await readDiscounts(db, tenantNo)).length >= DISCOUNTS_PER_TENANT_MAX) {
      const detail = `At most ${DISCOUNTS_PER_TENANT_MAX} at a time. End one first.`
      throw new ProblemError('too_many_discounts', { detail })
    }
    if (kind === 'amount') {
      amountIn(await billingCurrency(db, catalog, tenantNo), value, 'value')
    }
    const row: DiscountRow = {
      discount_id: `dsc_${randomBytes(10).toString('hex')}`,
      description,
      kind,
      value,
      periods_left: periods ?? null,
      created_at: clock.now(),
    }
    await insertDiscount(db, tenantNo, row)
    const reply = discountJson(row)
    await deps.appendAudit(db, actor, {
      tenantNo,
      action: 'discount.given',
      object: { kind: 'discount', id: row.discount_id },
      after: reply,
      recordedAt: clock.now(),
    })
    return reply
  })
}

/** What invoices have taken stays taken. @throws ProblemError not_found */
export async function takeDiscountAway(
  deps: ProfileDependencies,
  actor: Actor,
  tenantNo: number,
  discountId: string,
): Promise<void> {
  await inTransaction(deps.pool, async (db) => {
    const now = deps.clock.now()
    if (!(await endDiscount(db, tenantNo, discountId, now))) throw new ProblemError('not_found')
    await deps.appendAudit(db, actor, {
      tenantNo,
      action: 'discount.ended',
      object: { kind: 'discount', id: discountId },
      recordedAt: now,
    })
  })
}

export function discountJson(row: DiscountRow): DiscountReply {
  const { discount_id, description, kind, value, periods_left, created_at } = row
  const createdAt = new Date(created_at).toISOString()
  return { discount_id, description, kind, value, periods_left, created_at: createdAt }
}

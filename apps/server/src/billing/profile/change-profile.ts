import type { BillingProfileReply, billingTermsBody } from '@tollgate/contract'
import type pg from 'pg'
import type { z } from 'zod'
import type { Catalog } from '../../catalog/catalog.ts'
import { inTransaction, type Queryable } from '../../db/pool.ts'
import { accountAt } from '../../ledger/readings.ts'
import type { Actor } from '../../lib/caller.ts'
import type { Clock } from '../../lib/clock.ts'
import { isCurrency } from '../../lib/money.ts'
import { invalidField } from '../../lib/problem-error.ts'
import type { AppendAudit } from '../../db/append-audit.ts'
import { billingCurrency, currencyOf } from '../currency.ts'
import { type Folded, foldPage, foldUsage } from '../usage/fold.ts'
import { amountIn } from './amount-in.ts'
import {
  isInvoicedInAnother,
  lockBilledTenant,
  readBilledTenant,
  readDiscounts,
  readProfile,
  writeProfile,
} from './store.ts'
import type { Profile } from './types.ts'

export type ProfileDependencies = {
  pool: pg.Pool
  catalog: Catalog
  clock: Clock
  appendAudit: AppendAudit
}
type Change = z.infer<typeof billingTermsBody>

export async function billingProfile(
  db: Queryable,
  { catalog }: Pick<ProfileDependencies, 'catalog'>,
  tenantNo: number,
): Promise<BillingProfileReply> {
  const { tenant_id } = await readBilledTenant(db, tenantNo)
  const profile = await readProfile(db, tenantNo)
  const currency = await billingCurrency(db, catalog, tenantNo)
  return { tenant_id, ...visible(profile), currency }
}

/**
 * Changes how a tenant is billed from the next invoice on; what was issued keeps what it had.
 * @throws ProblemError invalid_request, for a currency or an amount that cannot be billed
 */
export async function changeProfile(
  deps: ProfileDependencies,
  actor: Actor,
  tenantNo: number,
  change: Change,
): Promise<BillingProfileReply> {
  const { pool, catalog, clock } = deps
  const { now } = await accountAt(pool, catalog, tenantNo, clock.now())
  const changesCurrency = change.currency !== undefined
  if (changesCurrency) await foldUsage({ pool, catalog }, tenantNo, now)
  return inTransaction(pool, async (db) => {
    // Whoever issues holds the position from the start, so it is taken first here too: then there is
    // either an invoice to be seen, or none before this has committed.
    const folded = changesCurrency ? await foldPage(db, catalog, tenantNo, now) : null
    await lockBilledTenant(db, tenantNo)
    const before = await readProfile(db, tenantNo)
    const after = changed(before, change)
    const was = await billingCurrency(db, catalog, tenantNo)
    const is = folded === null ? was : currencyIn(folded, after)
    if (folded !== null && is !== was) {
      await checkCurrency(db, folded, { before, change, was, is })
    }
    if (change.minimum_commitment !== undefined && change.minimum_commitment !== null) {
      amountIn(is, change.minimum_commitment, 'minimum_commitment')
    }
    await writeProfile(db, tenantNo, after)
    const reply = await billingProfile(db, deps, tenantNo)
    await deps.appendAudit(db, actor, {
      tenantNo,
      action: 'billing.profile_changed',
      object: { kind: 'tenant', id: reply.tenant_id },
      before: named(change, visible(before)),
      after: named(change, visible(after)),
      recordedAt: clock.now(),
    })
    return reply
  })
}

type CurrencyChange = { before: Profile; change: Change; was: string; is: string }

/**
 * Corrections of an earlier period stand on later invoices, and two currencies cannot be added up: so
 * the currency stays once there is an invoice, and every period before must have a price in it.
 */
async function checkCurrency(
  db: Queryable,
  { position: { tenantNo }, spans, termsOf }: Folded,
  { before, change, was, is }: CurrencyChange,
): Promise<void> {
  const refuse = (why: string) => invalidField('currency', why)
  if (!isCurrency(is)) throw refuse('not a currency of ISO 4217')
  for (const version of new Set(spans.map(({ planVersionNo }) => planVersionNo))) {
    const { plan, prices } = termsOf(version)
    if (prices.has(is)) continue
    throw refuse(
      `the plan ${plan} has no price in it; it has one in ${[...prices.keys()].join(', ')}`,
    )
  }
  if (await isInvoicedInAnother(db, tenantNo, is)) {
    throw refuse(`there are invoices in ${was}, and their corrections are in it as well`)
  }
  const discounts = await readDiscounts(db, tenantNo)
  if (discounts.some(({ kind }) => kind === 'amount')) {
    throw refuse(`there are discounts of an amount in ${was}: end them first`)
  }
  if (before.minimumCommitment !== null && change.minimum_commitment === undefined) {
    throw refuse(`the minimum commitment is in ${was}: say it anew with the currency`)
  }
}

function currencyIn({ spans, termsOf }: Folded, profile: Profile): string {
  return currencyOf(profile, termsOf(spans[0]!.planVersionNo))
}

function changed(before: Profile, change: Change): Profile {
  const or = <T>(value: T | undefined, usual: T): T => (value === undefined ? usual : value)
  return {
    ...before,
    legalName: or(change.legal_name, before.legalName),
    address: or(change.address, before.address),
    email: or(change.email, before.email),
    taxId: or(change.tax_id, before.taxId),
    taxRate: or(change.tax_rate, before.taxRate),
    currency: or(change.currency, before.currency),
    minimumCommitment: or(change.minimum_commitment, before.minimumCommitment),
    lateUsage: or(change.late_usage, before.lateUsage),
  }
}

function visible(profile: Profile) {
  return {
    legal_name: profile.legalName,
    address: profile.address,
    email: profile.email,
    tax_id: profile.taxId,
    tax_rate: profile.taxRate,
    currency: profile.currency,
    minimum_commitment: profile.minimumCommitment,
    late_usage: profile.lateUsage,
  }
}

function named(change: Change, all: ReturnType<typeof visible>): object {
  return Object.fromEntries(Object.entries(all).filter(([field]) => field in change))
}

import { onlyRow, type Queryable } from '../../db/pool.ts'
import type { Discount } from '../pricing/totals.ts'
import type { Profile } from './types.ts'

export type TenantRow = { tenant_id: string; name: string; email: string; has_test_clock: boolean }

export async function readBilledTenant(db: Queryable, tenantNo: number): Promise<TenantRow> {
  return onlyRow(
    await db.query<TenantRow>({
      name: 'read_billed_tenant',
      text: 'SELECT tenant_id, name, email, has_test_clock FROM tenant WHERE tenant_no = $1',
      values: [tenantNo],
    }),
  )
}

/** As on an envelope, kept as JSON. */
type AddressLines = string[]

type ProfileRow = {
  legal_name: string | null
  address: AddressLines
  email: string | null
  tax_id: string | null
  tax_rate: string | null
  currency: string | null
  minimum_commitment: string | null
  late_usage: Profile['lateUsage']
  customer_reference: string | null
}

const NO_PROFILE: Profile = {
  legalName: null,
  address: [],
  email: null,
  taxId: null,
  taxRate: null,
  currency: null,
  minimumCommitment: null,
  lateUsage: 'next_invoice',
  customerReference: null,
}

export async function readProfile(db: Queryable, tenantNo: number): Promise<Profile> {
  const { rows } = await db.query<ProfileRow>({
    name: 'read_billing_profile',
    text: `SELECT legal_name, address, email, tax_id, tax_rate, currency, minimum_commitment,
        late_usage, customer_reference
      FROM billing_profile WHERE tenant_no = $1`,
    values: [tenantNo],
  })
  const row = rows[0]
  if (row === undefined) return NO_PROFILE
  return {
    legalName: row.legal_name,
    address: row.address,
    email: row.email,
    taxId: row.tax_id,
    taxRate: row.tax_rate,
    currency: row.currency,
    minimumCommitment: row.minimum_commitment,
    lateUsage: row.late_usage,
    customerReference: row.customer_reference,
  }
}

/** Held until the transaction ends: who changes how a tenant is billed, or its plan, queues here. */
export async function lockBilledTenant(db: Queryable, tenantNo: number): Promise<void> {
  await db.query('SELECT FROM tenant WHERE tenant_no = $1 FOR UPDATE', [tenantNo])
}

/** All but what the payment provider calls the tenant, which a job may write at the same time. */
export async function writeProfile(
  db: Queryable,
  tenantNo: number,
  profile: Omit<Profile, 'customerReference'>,
): Promise<void> {
  await db.query(
    `INSERT INTO billing_profile (tenant_no, legal_name, address, email, tax_id, tax_rate, currency,
       minimum_commitment, late_usage)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (tenant_no) DO UPDATE SET legal_name = $2, address = $3, email = $4, tax_id = $5,
       tax_rate = $6, currency = $7, minimum_commitment = $8, late_usage = $9`,
    [
      tenantNo,
      profile.legalName,
      JSON.stringify(profile.address),
      profile.email,
      profile.taxId,
      profile.taxRate,
      profile.currency,
      profile.minimumCommitment,
      profile.lateUsage,
    ],
  )
}

export async function writeCustomerReference(
  db: Queryable,
  tenantNo: number,
  reference: string,
): Promise<void> {
  await db.query(
    `INSERT INTO billing_profile (tenant_no, customer_reference) VALUES ($1, $2)
     ON CONFLICT (tenant_no) DO UPDATE SET customer_reference = $2`,
    [tenantNo, reference],
  )
}

/** Whether there is an invoice in another currency than this. */
export async function isInvoicedInAnother(
  db: Queryable,
  tenantNo: number,
  currency: string,
): Promise<boolean> {
  const result = await db.query<{ found: boolean }>(
    `SELECT EXISTS (SELECT FROM invoice WHERE tenant_no = $1 AND currency <> $2) AS found`,
    [tenantNo, currency],
  )
  return onlyRow(result).found
}

export type DiscountRow = {
  discount_id: string
  description: string
  kind: Discount['kind']
  value: string
  periods_left: number | null
  created_at: number
}

/** Those that still take something off, oldest first. */
export async function readDiscounts(db: Queryable, tenantNo: number): Promise<DiscountRow[]> {
  const { rows } = await db.query<DiscountRow>({
    name: 'read_discounts',
    text: `SELECT discount_id, description, kind, value, periods_left, created_at
      FROM discount WHERE tenant_no = $1 AND ended_at IS NULL AND periods_left IS DISTINCT FROM 0
      ORDER BY created_at, discount_id`,
    values: [tenantNo],
  })
  return rows
}

export async function insertDiscount(
  db: Queryable,
  tenantNo: number,
  row: DiscountRow,
): Promise<void> {
  await db.query(
    `INSERT INTO discount (tenant_no, discount_id, description, kind, value, periods_left, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      tenantNo,
      row.discount_id,
      row.description,
      row.kind,
      row.value,
      row.periods_left,
      new Date(row.created_at),
    ],
  )
}

/** @returns whether there was such a one that had not ended */
export async function endDiscount(
  db: Queryable,
  tenantNo: number,
  discountId: string,
  now: number,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE discount SET ended_at = $3
     WHERE tenant_no = $1 AND discount_id = $2 AND ended_at IS NULL`,
    [tenantNo, discountId, new Date(now)],
  )
  return rowCount === 1
}

/** One invoice less; those that are for ever stay. */
export async function takeDiscounts(db: Queryable, tenantNo: number, ids: string[]): Promise<void> {
  await db.query(
    `UPDATE discount SET periods_left = periods_left - 1
     WHERE tenant_no = $1 AND discount_id = ANY($2) AND periods_left IS NOT NULL`,
    [tenantNo, ids],
  )
}

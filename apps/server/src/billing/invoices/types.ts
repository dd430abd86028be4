import type { InvoiceLine, Party } from '@tollgate/contract'
import type { Period } from '../../lib/periods.ts'
import type { Discount, InvoiceTotals } from '../pricing/totals.ts'

/** What was asked for under one key of a period: amounts and quantities as decimal strings. */
export type Billed = {
  readonly periodStart: number
  readonly key: string
  readonly description: string
  readonly meter: string
  readonly unit: string
  readonly quantity: string
  readonly amount: string
  readonly plan: string
  readonly planVersion: number
}

/** What an invoice is computed from, besides the log: enough to compute it again. */
export type Basis = {
  /** The period's own lines, and differences of earlier periods. */
  readonly billed: readonly Billed[]
  readonly discounts: readonly Discount[]
  readonly minimumCommitment: string | null
}

/** An invoice before it has a number. */
export type Draft = {
  readonly tenantNo: number
  readonly period: Period
  readonly timeZone: string
  readonly plan: string
  readonly currency: string
  readonly seller: Party
  readonly customer: Party
  readonly lines: readonly InvoiceLine[]
  readonly totals: InvoiceTotals
  readonly basis: Basis
}

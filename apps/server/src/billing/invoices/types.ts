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

/**
 * A document as corrections look at it: what it asked for, and what became of it. Of a credit note that
 * corrections made only `id`, `isVoid` and `basis` say something.
 */
export type AskedDocument = {
  readonly id: string
  readonly isVoid: boolean
  readonly basis: Basis
  /** Of the period whose invoice it is; null: a credit note. */
  readonly periodStart: number | null
  readonly taxRate: string | null
  /** By notes that people made, without tax. */
  readonly creditedByHand: string
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

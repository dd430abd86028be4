/** `of` is a document or a period; null: the tenant's account of what is billed. */
export type BillingDifference = { tenantNo: number | null; of: string | null; what: string }

export type VerifiedInvoices = {
  tenants: number
  invoices: number
  creditNotes: number
  differences: BillingDifference[]
}

export type Differ = (of: string | null, what: string) => void

/** `of` is a document or a period; null: the tenant's account of what is billed. */
export type BillingDifference = { tenantNo: number | null; of: string | null; what: string }

export type VerifiedInvoices = {
  tenants: number
  invoices: number
  creditNotes: number
  /** Of these, documents that cannot be worked out again: lines that they are about are past retention. */
  past: number
  differences: BillingDifference[]
}

export type Differ = (of: string | null, what: string) => void

/** How a tenant is billed. Null where the tenant or its plan says it. */
export type Profile = {
  legalName: string | null
  address: string[]
  email: string | null
  taxId: string | null
  /** Percent. */
  taxRate: string | null
  currency: string | null
  minimumCommitment: string | null
  lateUsage: 'next_invoice' | 'credit_note'
  customerReference: string | null
}

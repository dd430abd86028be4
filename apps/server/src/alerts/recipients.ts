import type { Queryable } from '../db/pool.ts'

/** Who is told of a tenant's alerts, and what the tenant is called; nobody, of one that is a rehearsal. */
export type Recipients = { readonly name: string; readonly emails: readonly string[] }
export type RecipientsOf = (db: Queryable, tenantNo: number) => Promise<Recipients>

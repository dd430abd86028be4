import type { Account } from './types.ts'

/** Who wants to know at once of lines that this node has written. Where there is nobody it costs a comparison. */
export class Watchers {
  private readonly byTenant = new Map<number, (lastSeq: number) => void>()

  /** One watcher for each tenant: another one takes its place. */
  set(tenantNo: number, onLines: (lastSeq: number) => void): void {
    this.byTenant.set(tenantNo, onLines)
  }

  delete(tenantNo: number): void {
    this.byTenant.delete(tenantNo)
  }

  /** After the commit. */
  tell(changed: readonly { readonly after: Account }[]): void {
    if (this.byTenant.size === 0) return
    for (const { after } of changed) this.byTenant.get(after.tenantNo)?.(after.lastSeq)
  }
}

import { ownersToTell } from '../src/access/members/owners-to-tell.ts'
import { AlertWatch } from '../src/alerts/alert-watch.ts'
import { UsageMemory } from '../src/analytics/readings/memory.ts'
import { expectStatus, type TestNode } from './node.ts'

/** What a node does every second, to be done when a test says so, and without pauses between error rates. */
export function watchOn(
  { server }: TestNode,
  onError: (error: unknown) => void = (error) => {
    throw error
  },
): AlertWatch {
  return new AlertWatch({
    ...server,
    memory: new UsageMemory(),
    recipientsOf: ownersToTell,
    errorRateSeconds: 0,
    onError,
  })
}

export async function setAlerts(node: TestNode, tenantId: string, ...alerts: object[]) {
  const path = `/api/usage/alerts?tenant_id=${tenantId}`
  return expectStatus(await node.admin('POST', path, { alerts }), 200).body.alerts
}

export type AlertLine = {
  seq: number
  kind: string
  recorded_at: string
  detail: { alert_id: string; type: string; threshold: number; value: number; since: string }
}

/** Lines of the log that say that something was reached, oldest first. */
export async function alertLines(node: TestNode, tenantId: string): Promise<AlertLine[]> {
  const path = `/api/entries?tenant_id=${tenantId}&limit=500`
  const { data, next_cursor } = expectStatus(await node.admin('GET', path), 200).body
  if (next_cursor !== null) throw new Error('the log is too long for this')
  return data.filter(({ kind }: AlertLine) => kind === 'alert').toReversed()
}

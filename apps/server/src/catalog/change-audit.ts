import type { AuditEntry } from '../lib/audit-entry.ts'
import { isEmptyDiff } from './catalog-diff.ts'
import type { WrittenChange } from './write-change.ts'

type Told = Omit<AuditEntry, 'recordedAt'>

/**
 * Which versions were and are on offer, by plan (null: it is not on offer), and whose rules differ.
 * The terms themselves are in the versions, which never change, and so is what statistics go by.
 * @returns null when nothing changed
 */
export function plansAudit(action: string, { diff, before, after }: WrittenChange): Told | null {
  if (isEmptyDiff(diff)) return null
  const changed = diff.plans.filter(({ change }) => change !== 'unchanged')
  const services = diff.services.map(({ service }) => service)
  const versions = (versionOf: (plan: (typeof changed)[number]) => number | null) =>
    Object.fromEntries(changed.map((plan) => [plan.plan, versionOf(plan)]))
  const isOfRules = services.length + diff.usage.length > 0
  const rules = (version: number) => (isOfRules ? { rules_version: version } : {})
  return {
    tenantNo: null,
    action,
    object: { kind: 'catalog', id: null },
    before: {
      plans: versions(({ wasOffered, before }) => (wasOffered ? before : null)),
      ...rules(before.version),
    },
    after: {
      plans: versions(({ change, version }) => (change === 'withdrawn' ? null : version)),
      ...rules(after.version),
      ...(services.length === 0 ? {} : { services }),
    },
  }
}

/** The rules of a service as they were and are. @returns null when nothing changed */
export function rulesAudit(service: string, { diff, before, after }: WrittenChange): Told | null {
  if (isEmptyDiff(diff)) return null
  const told = ({ version, services }: WrittenChange['before']) => ({
    rules_version: version,
    ...(Object.hasOwn(services, service) ? services[service] : {}),
  })
  return {
    tenantNo: null,
    action: 'service.rules_changed',
    object: { kind: 'service', id: service },
    before: told(before),
    after: told(after),
  }
}

import type { CatalogDiff, PlanDiff, ServiceDiff } from './catalog-diff.ts'
import type { FieldChange } from './field-changes.ts'
import type { TenantsOnVersions } from './tenants-on-versions.ts'

/** A change as people read it, a line for each field. */
export function diffText(diff: CatalogDiff, tenants: TenantsOnVersions): string {
  const plans = diff.plans.flatMap((plan) => planLines(plan, tenants.get(plan.plan) ?? []))
  const services = diff.services.flatMap(serviceLines)
  const rules = services.length === 0 ? ['  = unchanged'] : services
  const usage = diff.usage.length === 0 ? [] : ['statistics', ...diff.usage.map(fieldLine)]
  return ['plans', ...plans, 'endpoint rules', ...rules, ...usage, ''].join('\n')
}

function planLines(
  plan: PlanDiff,
  tenants: readonly { version: number; tenants: number }[],
): string[] {
  const lines = [`  ${planSummary(plan)}`, ...plan.fields.map(fieldLine)]
  if (tenants.length === 0) return lines
  const each = tenants.map((on) => `${count(on.tenants)} on version ${on.version}`).join(', ')
  const stay = plan.change === 'changed' || plan.change === 'withdrawn'
  return [...lines, `      ${each}${stay ? '; they stay there until they are moved' : ''}`]
}

function planSummary({ plan, change, before, version, wasOffered }: PlanDiff): string {
  switch (change) {
    case 'new':
      return `+ ${plan}: new, version ${version}`
    case 'changed':
      return `~ ${plan}: changed, version ${before} → ${version}${wasOffered ? '' : ', on offer again'}`
    case 'offered_again':
      return `+ ${plan}: on offer again, version ${version}`
    case 'withdrawn':
      return `- ${plan}: no longer offered`
    case 'unchanged':
      return `= ${plan}: unchanged, version ${version}`
  }
}

const SIGN = { new: '+', changed: '~', removed: '-' } as const

function serviceLines({ service, change, fields }: ServiceDiff): string[] {
  return [`  ${SIGN[change]} ${service}: ${change}`, ...fields.map(fieldLine)]
}

function fieldLine(change: FieldChange): string {
  const [before, after] = [text(change, 'before'), text(change, 'after')]
  if (before === null) return `      ${change.field}: ${after}`
  return `      ${change.field}: ${before} → ${after ?? 'gone'}`
}

function text(change: FieldChange, side: 'before' | 'after'): string | null {
  return change[side] === undefined ? null : JSON.stringify(change[side])
}

function count(tenants: number): string {
  return tenants === 1 ? '1 tenant' : `${tenants} tenants`
}

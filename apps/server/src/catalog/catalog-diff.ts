import { isDeepStrictEqual } from 'node:util'
import { type FieldChange, fieldChanges } from './field-changes.ts'
import {
  type PlanDefinitions,
  planSchema,
  type ServiceDefinition,
  serviceSchema,
} from './schema.ts'
import type { StoredRules } from './stored.ts'

/** What becomes of a plan. */
export type PlanDiff = {
  plan: string
  change: 'new' | 'changed' | 'unchanged' | 'offered_again' | 'withdrawn'
  /** Whether it was on offer before. */
  wasOffered: boolean
  /** The newest version before; null: there was none. */
  before: number | null
  /** The newest version afterwards. */
  version: number
  /** Of a new plan: what it says that is not the default. */
  fields: FieldChange[]
}

/** What becomes of the endpoint rules of a service. */
export type ServiceDiff = {
  service: string
  change: 'new' | 'changed' | 'removed'
  fields: FieldChange[]
}

/** Plans that were asked for or are withdrawn; services whose rules differ; what statistics go by. */
export type CatalogDiff = { plans: PlanDiff[]; services: ServiceDiff[]; usage: FieldChange[] }

/** What the database has: the newest version of each plan, and the rules. */
export type StoredCatalog = {
  plans: ReadonlyMap<string, { version: number; definition: PlanDefinitions[string] }>
  rules: StoredRules
}

/** What it should have: these plans, and rules that replace all there are. */
export type WantedCatalog = { plans: PlanDefinitions; rules: StoredRules }

export function diffCatalog(stored: StoredCatalog, wanted: WantedCatalog): CatalogDiff {
  const withdrawn = stored.rules.offered.filter((plan) => !wanted.rules.offered.includes(plan))
  return {
    plans: [
      ...Object.keys(wanted.plans).map((plan) => diffPlan(stored, wanted, plan)),
      ...withdrawn.map((plan) => withdrawnPlan(stored, plan)),
    ],
    services: diffServices(stored.rules.services, wanted.rules.services),
    usage: fieldChanges(usageOf(stored.rules), usageOf(wanted.rules)),
  }
}

/** Whether anything differs at all. */
export function isEmptyDiff({ plans, services, usage }: CatalogDiff): boolean {
  const others = services.length + usage.length
  return plans.every(({ change }) => change === 'unchanged') && others === 0
}

function diffPlan(stored: StoredCatalog, wanted: WantedCatalog, plan: string): PlanDiff {
  const definition = wanted.plans[plan]!
  const wasOffered = stored.rules.offered.includes(plan)
  const newest = stored.plans.get(plan)
  if (newest === undefined) {
    const fields = said(planSchema.parse({}), definition)
    return { plan, change: 'new', wasOffered, before: null, version: 1, fields }
  }
  const { version } = newest
  const known = { plan, wasOffered, before: version }
  if (isDeepStrictEqual(newest.definition, definition)) {
    return { ...known, change: wasOffered ? 'unchanged' : 'offered_again', version, fields: [] }
  }
  const fields = fieldChanges(newest.definition, definition)
  return { ...known, change: 'changed', version: version + 1, fields }
}

function withdrawnPlan(stored: StoredCatalog, plan: string): PlanDiff {
  const version = stored.plans.get(plan)?.version ?? 0
  return { plan, change: 'withdrawn', wasOffered: true, before: version, version, fields: [] }
}

type Services = Readonly<Record<string, ServiceDefinition>>

function diffServices(before: Services, after: Services): ServiceDiff[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].flatMap((service): ServiceDiff[] => {
    const [old, now] = [definitionIn(before, service), definitionIn(after, service)]
    if (old === undefined) {
      return [{ service, change: 'new', fields: said(serviceSchema.parse({}), now) }]
    }
    if (now === undefined) return [{ service, change: 'removed', fields: [] }]
    const fields = fieldChanges(old, now)
    return fields.length === 0 ? [] : [{ service, change: 'changed', fields }]
  })
}

function usageOf({ formats, usage_properties }: StoredRules): object {
  return { formats, usage_properties }
}

function definitionIn(services: Services, name: string): ServiceDefinition | undefined {
  return Object.hasOwn(services, name) ? services[name] : undefined
}

/** What differs from the defaults, which nobody agreed to before. */
function said(defaults: object, definition: unknown): FieldChange[] {
  return fieldChanges(defaults, definition).map(({ field, after }) => ({ field, after }))
}

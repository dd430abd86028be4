import type { Queryable } from '../db/pool.ts'
import { invalidField } from '../lib/problem-error.ts'
import { PLANS_ON_OFFER_MAX } from '../limits.ts'
import { type CatalogDiff, diffCatalog, type WantedCatalog } from './catalog-diff.ts'
import type {
  CatalogDefinition,
  PlanDefinitions,
  ServiceDefinition,
  ServiceDefinitions,
} from './schema.ts'
import {
  insertPlanVersion,
  insertRules,
  lockCatalog,
  readLatestPlanVersions,
  readLatestRules,
} from './store.ts'
import { NO_RULES, type StoredRules, storedRules, storedTerms } from './stored.ts'

/** Something to be done to the catalog, whatever is in it by then. */
export type CatalogChange = (rules: StoredRules) => WantedCatalog

/** A whole file: what is not in it is not on offer, and has no rules. */
export function wholeCatalog({ plans, ...file }: CatalogDefinition): CatalogChange {
  const { services, formats, usage_properties } = file
  const offered = Object.keys(plans).sort()
  return () => ({ plans, rules: { services, formats, usage_properties, offered } })
}

/** These plans; others, all rules and what statistics go by stay. */
export function morePlans(plans: PlanDefinitions): CatalogChange {
  return (rules) => {
    const all = [...new Set([...rules.offered, ...Object.keys(plans)])].sort()
    if (all.length > PLANS_ON_OFFER_MAX) {
      throw invalidField('plans', `with these, more than ${PLANS_ON_OFFER_MAX} would be on offer`)
    }
    return { plans, rules: { ...rules, offered: all } }
  }
}

/** Nobody can take this plan any more; tenants stay on the versions that they have, and all else stays. */
export function withoutPlan(plan: string): CatalogChange {
  return (rules) => {
    const left = rules.offered.filter((name) => name !== plan)
    // As in a file: who signs up takes one.
    if (left.length === 0) throw invalidField('name', 'is the last plan on offer')
    return { plans: {}, rules: { ...rules, offered: left } }
  }
}

/** The rules of one service; all else stays. */
export function rulesOfService(service: string, definition: ServiceDefinition): CatalogChange {
  return (rules) => ({
    plans: {},
    rules: { ...rules, services: { ...rules.services, [service]: definition } },
  })
}

/** What a change would do now. */
export async function previewChange(db: Queryable, change: CatalogChange): Promise<CatalogDiff> {
  return (await readDiff(db, change)).diff
}

/** What was done, with the rules as they were and as they are. */
export type WrittenChange = {
  diff: CatalogDiff
  before: { version: number; services: ServiceDefinitions }
  after: { version: number; services: ServiceDefinitions }
}

/** Within the transaction of `db`; until it ends, whoever changes the catalog too waits. */
export async function writeChange(db: Queryable, change: CatalogChange): Promise<WrittenChange> {
  await lockCatalog(db)
  const { diff, wanted, rules, rulesVersion } = await readDiff(db, change)
  for (const { plan, change: what, version } of diff.plans) {
    if (what !== 'new' && what !== 'changed') continue
    await insertPlanVersion(db, plan, version, wanted.plans[plan])
  }
  const before = { version: rulesVersion, services: rules.services }
  const isFirst = rulesVersion === 0
  if (!isFirst && !changesRules(diff)) return { diff, before, after: before }
  const version = rulesVersion + 1
  await insertRules(db, version, wanted.rules)
  return { diff, before, after: { version, services: wanted.rules.services } }
}

async function readDiff(db: Queryable, change: CatalogChange) {
  const latest = (await readLatestPlanVersions(db)).map(
    (row) => [row.plan, { version: row.version, definition: storedTerms(row) }] as const,
  )
  const row = await readLatestRules(db)
  const rules = row === null ? NO_RULES : storedRules(row)
  const wanted = change(rules)
  const diff = diffCatalog({ plans: new Map(latest), rules }, wanted)
  return { diff, wanted, rules, rulesVersion: row?.version ?? 0 }
}

/** The rules carry which plans are on offer, and what statistics go by. */
function changesRules({ plans, services, usage }: CatalogDiff): boolean {
  const offered = plans.some(({ change, wasOffered }) => (change === 'withdrawn') === wasOffered)
  return offered || services.length > 0 || usage.length > 0
}

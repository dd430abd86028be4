import type pg from 'pg'
import { compileRules, compileTerms } from './compile.ts'
import type { PlanDefinition } from './schema.ts'
import {
  type PlanVersionRow,
  readCatalogMark,
  readLatestPlanVersions,
  readLatestRules,
  readPlanVersion,
  readServices,
  type ServiceRow,
} from './store.ts'
import { NO_RULES, type StoredRules, storedRules, storedTerms } from './stored.ts'
import type { CatalogRules, CatalogUsage, PlanTerms } from './types.ts'

/** The catalog in force, in memory. */
export type Catalog = {
  /** Endpoint rules and trust of all services. Another object after a change. */
  readonly rules: CatalogRules
  readonly usage: CatalogUsage
  /** The terms of a version that this node has seen; null: ask `loadPlanVersion`. */
  planVersion(planVersionNo: number): PlanTerms | null
  /** The terms of a version, from the database if need be. Throws when there is none. */
  loadPlanVersion(planVersionNo: number): Promise<PlanTerms>
  /** What a tenant who takes the plan now agrees to; null when it is not on offer. */
  latestPlan(plan: string): PlanTerms | null
  /** Plans on offer, sorted. */
  planNames(): string[]
  /** The same with what their newest versions say, as it is written. */
  plansOnOffer(): readonly OfferedPlan[]
  /** Takes over what other nodes loaded and registered. Everything committed before the call is in. */
  refresh(): Promise<void>
}

export type OfferedPlan = { plan: string; version: number; definition: PlanDefinition }

/** Reads the catalog that was loaded last. */
export async function openCatalog(pool: pg.Pool): Promise<Catalog> {
  // Versions never change, so what was read once holds; there are as many as catalogs were loaded.
  const versions = new Map<number, PlanTerms>()
  let state = await readState(pool, versions, null)
  let refreshing: Promise<void> = Promise.resolve()

  const refresh = async () => {
    state = await readState(pool, versions, state)
  }
  return {
    get rules() {
      return state.rules
    },
    get usage() {
      return state.usage
    },
    planVersion: (planVersionNo) => versions.get(planVersionNo) ?? null,
    async loadPlanVersion(planVersionNo) {
      return (
        versions.get(planVersionNo) ?? remember(versions, await fetchVersion(pool, planVersionNo))
      )
    },
    latestPlan: (plan) => state.latest.get(plan) ?? null,
    planNames: () => [...state.latest.keys()],
    plansOnOffer: () => state.offered,
    refresh() {
      // One after the other: who calls while another is under way may have changed what that one
      // has already read, and an older answer must not replace a newer one.
      refreshing = refreshing.then(refresh, refresh)
      return refreshing
    },
  }
}

type State = {
  mark: string
  services: string
  stored: StoredRules
  rules: CatalogRules
  usage: CatalogUsage
  /** By name, plans on offer only. */
  latest: ReadonlyMap<string, PlanTerms>
  offered: readonly OfferedPlan[]
}

/** The same state again when nothing changed, so that what was compiled for its rules stays. */
async function readState(
  pool: pg.Pool,
  versions: Map<number, PlanTerms>,
  before: State | null,
): Promise<State> {
  const mark = JSON.stringify(await readCatalogMark(pool))
  const registered = await readServices(pool)
  const services = JSON.stringify(registered)
  if (before?.mark === mark && before.services === services) return before

  if (before?.mark === mark) {
    const rules = compileRules(
      before.rules.version,
      before.stored.services,
      trustByName(registered),
    )
    return { ...before, services, rules }
  }
  const row = await readLatestRules(pool)
  const stored = row === null ? NO_RULES : storedRules(row)
  const rules = compileRules(row?.version ?? 0, stored.services, trustByName(registered))
  const newest = await readLatestPlanVersions(pool)
  const terms = newest.map((row) => versions.get(row.plan_version_no) ?? remember(versions, row))
  const isOffered = ({ plan }: { plan: string }) => stored.offered.includes(plan)
  const latest = new Map(terms.filter(isOffered).map((plan) => [plan.plan, plan]))
  const offered = newest.filter(isOffered).map((row): OfferedPlan => {
    return { plan: row.plan, version: row.version, definition: storedTerms(row) }
  })
  const usage = { formats: stored.formats, properties: stored.usage_properties }
  return { mark, services, stored, rules, usage, latest, offered }
}

async function fetchVersion(pool: pg.Pool, planVersionNo: number): Promise<PlanVersionRow> {
  const row = await readPlanVersion(pool, planVersionNo)
  if (row === null) throw new Error(`There is no plan version ${planVersionNo} in the database`)
  return row
}

function remember(versions: Map<number, PlanTerms>, row: PlanVersionRow): PlanTerms {
  const terms = compileTerms(row.plan_version_no, row.plan, row.version, storedTerms(row))
  versions.set(row.plan_version_no, terms)
  return terms
}

function trustByName(services: readonly ServiceRow[]): ReadonlyMap<string, boolean> {
  return new Map(services.map(({ name, trust_reported }) => [name, trust_reported]))
}

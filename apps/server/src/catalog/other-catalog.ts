import type pg from 'pg'
import { compileRules, compileTerms } from './compile.ts'
import type { CatalogDefinition } from './schema.ts'
import { readServices } from './store.ts'
import type { CatalogRules, PlanTerms } from './types.ts'

/** A catalog that is not in force, for asking what would be if it were. */
export type OtherCatalog = {
  readonly rules: CatalogRules
  /** By name. Their numbers are below zero, where no stored version is. */
  readonly plans: ReadonlyMap<string, PlanTerms>
}

/** Compiles it as it would be after loading it, with the services that are registered here. */
export async function otherCatalog(
  pool: pg.Pool,
  definition: CatalogDefinition,
): Promise<OtherCatalog> {
  const services = await readServices(pool)
  return compileCatalog(
    definition,
    new Map(services.map(({ name, trust_reported }) => [name, trust_reported])),
  )
}

export function compileCatalog(
  { services, plans }: CatalogDefinition,
  registered: ReadonlyMap<string, boolean>,
): OtherCatalog {
  const terms = Object.entries(plans).map(([name, definition], index) => {
    return [name, compileTerms(-1 - index, name, 0, definition)] as const
  })
  return { rules: compileRules(0, services, registered), plans: new Map(terms) }
}

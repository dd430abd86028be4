import { USAGE_FILTERS, type UsageDimension, type UsageFilter } from '@tollgate/contract'
import type { CatalogUsage } from '../../catalog/types.ts'
import { invalidField } from '../../lib/problem-error.ts'
import { type Dimension, EQUALS } from '../dimensions.ts'

type Values = ReadonlySet<string>
/** What calls must be like, to be counted: of each that is named one of its values. */
export type Filters = {
  dimensions: ReadonlyMap<UsageFilter, Values>
  properties: ReadonlyMap<string, Values>
}
export type FilterQuery = { [name in UsageFilter | 'properties']?: string | undefined }

type Grouped = {
  groupBy: UsageDimension | null
  /** By which it is grouped, with groupBy=property. */
  property: string | null
  /** Only these are shown: which is one more filter, by what is grouped by. */
  values?: string | undefined
}

/** @throws ProblemError invalid_request */
export function filtersOf(query: FilterQuery & Grouped, usage: CatalogUsage): Filters {
  const dimensions = new Map<UsageFilter, Values>()
  for (const name of USAGE_FILTERS) {
    const values = query[name]
    if (values !== undefined) dimensions.set(name, new Set(values.split(',')))
  }
  const properties = propertiesOf(query.properties, usage)
  const { groupBy, property, values } = query
  if (groupBy === null || values === undefined) return { dimensions, properties }
  const shown = new Set(values.split(','))
  if (groupBy !== 'property') restrict(dimensions, groupBy, shown)
  else if (property !== null) restrict(properties, property, shown)
  return { dimensions, properties }
}

function restrict<Name>(filters: Map<Name, Values>, name: Name, values: Values): void {
  const before = filters.get(name)
  filters.set(name, before === undefined ? values : before.intersection(values))
}

/** @throws ProblemError invalid_request */
function propertiesOf(pairs: string | undefined, { properties }: CatalogUsage) {
  const wanted = new Map<string, Values>()
  for (const pair of pairs?.split(',') ?? []) {
    const [name = '', ...value] = pair.split(EQUALS)
    if (value.length === 0) throw invalidField('properties', 'name=value, with commas between')
    namedProperty('properties', name, properties)
    wanted.set(name, new Set([...(wanted.get(name) ?? []), value.join(EQUALS)]))
  }
  return wanted
}

/** One that the catalog counts. @throws ProblemError invalid_request, for another one or none */
export function namedProperty(
  field: string,
  name: string | undefined,
  properties: readonly string[],
): string {
  if (name !== undefined && properties.includes(name)) return name
  if (properties.length > 0) throw invalidField(field, `one of ${properties.join(', ')}`)
  throw invalidField(field, 'no properties are counted: the catalog names none')
}

/** What is looked at of a call: rollups count by one such thing at a time. */
export type Aspect = { dimension: Dimension; property: string | null }

/**
 * The one thing that has to be looked at, to group and to filter.
 * @returns null: there are several, which only the log has of a call together
 */
export function onlyAspect(
  groupBy: UsageDimension | null,
  property: string | null,
  { dimensions, properties }: Filters,
): Aspect | null {
  const aspects = new Map<string, Aspect>()
  const add = (aspect: Aspect) => {
    aspects.set(`${aspect.dimension}${EQUALS}${aspect.property}`, aspect)
  }
  if (groupBy !== null) add(aspectOf(groupBy, property))
  for (const name of dimensions.keys()) add(aspectOf(name, null))
  for (const name of properties.keys()) add({ dimension: 'property', property: name })
  if (aspects.size > 1) return null
  return [...aspects.values()][0] ?? { dimension: 'total', property: null }
}

/** Teams are not in the log: they are those of the keys. */
export function aspectOf(name: UsageDimension | 'total', property: string | null): Aspect {
  return { dimension: name === 'team' ? 'key' : name, property }
}

/** Of whom names are needed, which are not in the log. */
export function isAboutSenders(groupBy: UsageDimension | null, { dimensions }: Filters): boolean {
  const names: readonly UsageDimension[] = [
    ...dimensions.keys(),
    ...(groupBy === null ? [] : [groupBy]),
  ]
  return names.includes('key') || names.includes('team')
}

/** The field that asks for more than rollups have, to be named. */
export function filterField(groupBy: UsageDimension | null, { dimensions }: Filters): string {
  return [...dimensions.keys()].find((name) => name !== groupBy) ?? 'properties'
}

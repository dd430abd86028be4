import { USAGE_VALUE_CHARS_MAX } from '../../limits.ts'
import { EQUALS } from '../dimensions.ts'
import { DIMENSION_VALUES } from '../lines-sql.ts'

type Filtered = Exclude<keyof typeof DIMENSION_VALUES, 'total' | 'key'>

/** What calls of the log must be like, to be counted: of each that is named one of its values. */
export type LineFilter = {
  dimensions: ReadonlyMap<Filtered, ReadonlySet<string>>
  properties: ReadonlyMap<string, ReadonlySet<string>>
  /** By their numbers in this log; null: whoever sent them. */
  senderNos: readonly number[] | null
}

/** In the order of their parameters. Who sent a call is known to the log by a number alone. */
const FILTERED = Object.keys(DIMENSION_VALUES).filter(
  (name): name is Filtered => name !== 'total' && name !== 'key',
)

/**
 * SQL that is true of calls `c` to which a filter applies.
 * @param first the number of the first parameter that says what it is
 */
export function matches(first: number): string {
  const [names, pairs] = [`$${first}::text[]`, `$${first + 1}::text[]`]
  const values = ['key', ...FILTERED] as const
  const each = values.map((name, index) => {
    const wanted = `$${first + 2 + index}::text[]`
    return `(${wanted} IS NULL OR (${DIMENSION_VALUES[name]}) = ANY (${wanted}))`
  })
  // A call has one value of each property at most.
  const properties = `(cardinality(${names}) = 0 OR cardinality(${names}) = (
    SELECT count(*) FROM unnest(c.properties) AS p (pair) WHERE p.pair = ANY (${pairs})))`
  return [properties, ...each].join(' AND ')
}

/** In the order in which `matches` numbers them. */
export function filterParameters({ dimensions, properties, senderNos }: LineFilter) {
  const pairs = [...properties].flatMap(([name, values]) =>
    [...values].map((value) => shortened(`${name}${EQUALS}${value}`)),
  )
  const each = FILTERED.map((name) => {
    const values = dimensions.get(name)
    return values === undefined ? null : [...values]
  })
  return [[...properties.keys()], pairs, senderNos?.map(String) ?? null, ...each]
}

/** As long as a value that is counted by can be. */
function shortened(text: string): string {
  return Array.from(text).slice(0, USAGE_VALUE_CHARS_MAX).join('')
}

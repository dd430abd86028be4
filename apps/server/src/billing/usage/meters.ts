import type { ChargeMeter } from '../../catalog/charge-types.ts'
import type { MeterDefinition } from '../../catalog/meter-schema.ts'
import { normalisePath } from '../../catalog/path.ts'
import { compilePathPattern } from '../../catalog/pattern.ts'
import type { PlanTerms } from '../../catalog/types.ts'
import { costOf, type StoredEntry } from '../../ledger/entry-row.ts'
import type { Call } from '../../ledger/types.ts'
import { microsFromNumber } from '../../lib/micros.ts'
import { BOUGHT_CREDITS } from '../pricing/prepaid-credits.ts'
import { type Decimal, decimalFromMicros, isExact, NOTHING, parseExact } from '../../lib/money.ts'

/** What a meter makes of the values it is given. */
export type Aggregation = MeterDefinition['aggregation']

/** What a line adds to a meter. `value` is a text only where different values are counted. */
export type Contribution = {
  readonly meter: string
  readonly aggregation: Aggregation
  readonly region: string
  readonly feature: string
  readonly value: Decimal | string
}

type Meter = {
  name: string
  aggregation: Aggregation
  read(entry: StoredEntry): Decimal | string | null
  grouped: { region: boolean; feature: boolean }
}

const ONE = decimalFromMicros(1_000_000n)
const UNGROUPED = { region: false, feature: false }

/** What every bill may need, whatever the plan. */
const BUILT_IN: readonly Meter[] = [
  builtIn('units', ({ call, counted }) => (counted && call !== null ? call.quantity : 0n)),
  builtIn('credits', burned),
  builtIn('overage_credits', owed),
  builtIn(BOUGHT_CREDITS, ({ kind, detail, credits }) =>
    kind === 'grant' && detail?.bought === true ? credits : 0n,
  ),
]

// The terms of a version never change, so neither do its meters.
const compiled = new WeakMap<PlanTerms, readonly Meter[]>()

/** What the line adds to each meter of the plan; nothing for a denied call, or one that is another's. */
export function contributionsOf(entry: StoredEntry, terms: PlanTerms): Contribution[] {
  if (entry.reason !== null) return []
  const found: Contribution[] = []
  for (const { name, aggregation, read, grouped } of metersOf(terms)) {
    const value = read(entry)
    if (value === null) continue
    const region = grouped.region ? (entry.call?.region ?? '').toLowerCase() : ''
    const feature = grouped.feature ? (entry.call?.feature ?? '').toLowerCase() : ''
    found.push({ meter: name, aggregation, region, feature, value })
  }
  return found
}

/** Names of all meters of a plan, in whatever currency it is paid. */
export function meterNames(terms: PlanTerms): string[] {
  return metersOf(terms).map(({ name }) => name)
}

function metersOf(terms: PlanTerms): readonly Meter[] {
  let meters = compiled.get(terms)
  if (meters === undefined) {
    const charges = [...terms.prices.values()].flatMap((price) => price.charges)
    const own = new Map<string, Meter>()
    for (const charge of charges) {
      if (!('meter' in charge) || charge.meter.definition === null) continue
      own.set(charge.meter.name, compile(charge.meter, charge.meter.definition))
    }
    meters = [...BUILT_IN, ...own.values()]
    compiled.set(terms, meters)
  }
  return meters
}

function builtIn(name: string, microsOf: (entry: StoredEntry) => bigint): Meter {
  // Line after line says the same, and making a decimal costs more than all else that is done with it.
  let last = { micros: 0n, value: NOTHING }
  return {
    name,
    aggregation: 'sum',
    grouped: UNGROUPED,
    read(entry) {
      const micros = microsOf(entry)
      if (micros === 0n) return null
      if (micros !== last.micros) last = { micros, value: decimalFromMicros(micros) }
      return last.value
    },
  }
}

/** Adjustments by hand and what lapsed are no use of credits. */
function burned({ kind, credits }: StoredEntry): bigint {
  return kind === 'call' || kind === 'report' || kind === 'settlement' ? -credits : 0n
}

function owed(entry: StoredEntry): bigint {
  if (entry.kind === 'settlement') return entry.overage ? costOf(entry) + entry.credits : 0n
  const beyond = entry.detail?.overage_credits
  return entry.call !== null && typeof beyond === 'number' ? microsFromNumber(beyond)! : 0n
}

/** A meter that does not ask for a status measures what counts on the plan, as quota and credits do. */
function compile({ name }: ChargeMeter, definition: MeterDefinition): Meter {
  const { aggregation, field, filter, group_by } = definition
  const matches = compileFilter(filter)
  return {
    name,
    aggregation,
    grouped: { region: group_by.includes('region'), feature: group_by.includes('feature') },
    read(entry) {
      const { call } = entry
      if (call === null || (filter.status === null && !entry.counted) || !matches(call)) return null
      if (aggregation === 'count') return ONE
      return aggregation === 'unique' ? textOf(call, field!) : numberOf(entry, call, field!)
    },
  }
}

function compileFilter(filter: MeterDefinition['filter']): (call: Call) => boolean {
  const paths = filter.endpoint?.map(compilePathPattern) ?? null
  const regions = filter.region?.map(lowerCase) ?? null
  const features = filter.feature?.map(lowerCase) ?? null
  const among = (wanted: readonly string[] | null, value: string | null) =>
    wanted === null || (value !== null && wanted.includes(value))
  return (call) => {
    if (!among(filter.service, call.service) || !among(filter.method, call.method)) return false
    if (!among(filter.file_type, call.fileType)) return false
    if (!among(filter.output_format, call.outputFormat)) return false
    if (!among(filter.status, call.failed ? 'failure' : 'success')) return false
    if (!among(regions, call.region && lowerCase(call.region))) return false
    if (!among(features, call.feature && lowerCase(call.feature))) return false
    if (paths === null) return true
    const path = normalisePath(call.endpoint)
    return paths.some((matches) => matches(path))
  }
}

const PROPERTIES = 'properties.'

/** Null where the call does not say it, or says something that is no quantity. */
function numberOf(entry: StoredEntry, call: Call, field: string): Decimal | null {
  switch (field) {
    case 'quantity':
      return decimalFromMicros(call.quantity)
    case 'credits':
      return decimalFromMicros(costOf(entry))
    case 'file_size_bytes':
      return count(call.fileSizeBytes)
    case 'processing_time_ms':
      return count(call.processingTimeMs)
    case 'token_count':
      return count(call.tokenCount)
  }
  const value = propertyOf(call, field.slice(PROPERTIES.length))
  const text = typeof value === 'number' ? plainNumber(value) : value
  if (typeof text !== 'string' || !isExact(text)) return null
  const number = parseExact(text)
  return number.isNegative() || number.decimalPlaces() > 12 ? null : number
}

function textOf(call: Call, field: string): string | null {
  if (field.startsWith(PROPERTIES)) {
    const value = propertyOf(call, field.slice(PROPERTIES.length))
    return value === null || value === undefined ? null : JSON.stringify(value)
  }
  const values: Record<string, string | null> = {
    service: call.service,
    endpoint: normalisePath(call.endpoint),
    method: call.method,
    region: call.region,
    feature: call.feature,
    file_type: call.fileType,
    output_format: call.outputFormat,
    error_code: call.errorCode,
  }
  return values[field] ?? null
}

function propertyOf(call: Call, name: string): unknown {
  if (call.properties === null) return null
  const properties = JSON.parse(call.properties) as Record<string, unknown>
  return Object.hasOwn(properties, name) ? properties[name] : null
}

function count(value: number | null): Decimal | null {
  return value === null ? null : parseExact(String(value))
}

/** Without an exponent, which no decimal of ours has. */
function plainNumber(value: number): string | null {
  if (!Number.isFinite(value) || Math.abs(value) >= 1e21) return null
  return /e/.test(String(value)) ? value.toFixed(12) : String(value)
}

function lowerCase(text: string): string {
  return text.toLowerCase()
}

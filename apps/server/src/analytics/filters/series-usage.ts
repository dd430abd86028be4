import type { Granularity, UsageDimension } from '@tollgate/contract'
import type { Subject } from '../answer.ts'
import type { Stretch } from '../calendar.ts'
import { OTHER } from '../dimensions.ts'
import type { Range } from '../range.ts'
import type { Usage, UsageOf } from '../readings/measures.ts'
import { readerOf } from '../readings/reader.ts'
import { filteredReader } from './filtered-reader.ts'
import { type Aspect, aspectOf, type Filters, filterField, onlyAspect } from './filters.ts'
import type { LineFilter } from './line-filter.ts'

export type SeriesAsked = {
  groupBy: UsageDimension | null
  /** By which it is grouped, with groupBy=property. */
  property: string | null
  filters: Filters
  /** How many values are shown by themselves. */
  series: number
}
/** Null: of who has no team. */
export type NamedUsage = Usage & { place: number; value: string | null }
type Names = Awaited<ReturnType<Subject['senderNames']>>
type Dates = { range: Range; dates: readonly Stretch[]; granularity: Granularity }

/**
 * Usage by place and value, of calls to which the filters apply. Rollups know one thing of a call at a time,
 * and answer where no more is asked; else the log is read.
 * @throws ProblemError invalid_request, where that is too long
 */
export async function readSeriesUsage(
  subject: Subject,
  asked: SeriesAsked,
  dates: Dates,
): Promise<NamedUsage[]> {
  const aspect = onlyAspect(asked.groupBy, asked.property, asked.filters)
  return aspect === null
    ? fromLog(subject, asked, dates)
    : fromRollups(subject, asked, dates, aspect)
}

async function fromRollups(
  subject: Subject,
  { groupBy, filters }: SeriesAsked,
  { range, dates, granularity }: Dates,
  aspect: Aspect,
): Promise<NamedUsage[]> {
  const reader = await readerOf(subject.source, range, dates, granularity)
  const { dimension, property } = aspect
  const read = property === null ? reader.by([dimension]) : reader.byProperty(property)
  const found = (await read).filter(isCounted)
  if (dimension === 'key') {
    const names = await namesOf(
      subject,
      found.map(({ value }) => Number(value)),
    )
    return named(
      found.filter(({ value }) => isWanted(Number(value), names, filters)),
      names,
      groupBy,
    )
  }
  const wanted =
    property === null ? [...filters.dimensions.values()][0] : filters.properties.get(property)
  return wanted === undefined ? found : found.filter(({ value }) => wanted.has(value))
}

async function fromLog(
  subject: Subject,
  { groupBy, property, filters, series }: SeriesAsked,
  { range, dates }: Dates,
): Promise<NamedUsage[]> {
  const { key, team, ...others } = Object.fromEntries(filters.dimensions)
  const filter: LineFilter = {
    dimensions: new Map(Object.entries(others)) as LineFilter['dimensions'],
    properties: filters.properties,
    senderNos: null,
  }
  const chosen = async (senderNos: number[]) => {
    const names = await namesOf(subject, senderNos)
    return senderNos.filter((senderNo) => isWanted(senderNo, names, filters))
  }
  const choose = key === undefined && team === undefined ? null : chosen
  const field = filterField(groupBy, filters)
  const readBy = await filteredReader(subject.source, range, dates, { filter, choose, field })
  const aspect = aspectOf(groupBy ?? 'total', property)
  // Which keys are together in a team is not known to the log.
  const valuesMax = aspect.dimension === 'key' ? null : series
  const found = (await readBy(aspect, valuesMax)).filter(isCounted)
  if (aspect.dimension !== 'key') return found
  return named(
    found,
    await namesOf(
      subject,
      found.map(({ value }) => Number(value)),
    ),
    groupBy,
  )
}

function isCounted({ calls, denied }: Usage): boolean {
  return calls !== 0 || denied !== 0
}

/** Whoever is beyond a bound has no number. */
function namesOf({ senderNames }: Subject, senderNos: readonly number[]): Promise<Names> {
  return senderNames([...new Set(senderNos)].filter(Number.isInteger))
}

function isWanted(senderNo: number, names: Names, { dimensions }: Filters): boolean {
  const [keys, teams] = [dimensions.get('key'), dimensions.get('team')]
  if (keys === undefined && teams === undefined) return true
  const name = names.get(senderNo)
  if (name === undefined || (keys !== undefined && !keys.has(name.id))) return false
  return teams === undefined || (name.team !== null && teams.has(name.team))
}

/** Keys and people by what they are called, or by their team; whoever is beyond a bound is not known. */
function named(
  usages: readonly UsageOf[],
  names: Names,
  groupBy: UsageDimension | null,
): NamedUsage[] {
  return usages.map((usage) => {
    if (usage.value === OTHER) return usage
    const name = names.get(Number(usage.value))
    const value = groupBy === 'team' ? (name?.team ?? null) : (name?.id ?? usage.value)
    return { ...usage, value }
  })
}

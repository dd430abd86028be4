import { isDeepStrictEqual } from 'node:util'

/**
 * A field whose value differs: `price.charges["Calls"].unit_price`. What is left out was not there,
 * or is not there any more.
 */
export type FieldChange = { field: string; before?: unknown; after?: unknown }

/**
 * What differs between two values of JSON, by the smallest fields that people would name. Members of
 * a list are told apart by what they are called, so that one that was put in between changes no other.
 */
export function fieldChanges(before: unknown, after: unknown, field = ''): FieldChange[] {
  if (isDeepStrictEqual(before, after)) return []
  if (isMapping(before) && isMapping(after)) {
    return memberChanges(before, after, (name) => (field === '' ? name : `${field}.${name}`))
  }
  if (isList(before) && isList(after)) return listChanges(before, after, field)
  return [
    {
      field,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    },
  ]
}

type Mapping = Record<string, unknown>

function memberChanges(
  before: Mapping,
  after: Mapping,
  fieldOf: (name: string) => string,
): FieldChange[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].flatMap((name) =>
    fieldChanges(ownValue(before, name), ownValue(after, name), fieldOf(name)),
  )
}

function listChanges(before: unknown[], after: unknown[], field: string): FieldChange[] {
  const names = [namesOf(before), namesOf(after)] as const
  if (names[0] !== null && names[1] !== null) {
    const named = (all: string[], list: unknown[]) =>
      Object.fromEntries(all.map((name, index) => [name, list[index]]))
    const inField = (name: string) => `${field}[${JSON.stringify(name)}]`
    return [
      ...memberChanges(named(names[0], before), named(names[1], after), inField),
      ...orderChanges(names[0], names[1], field),
    ]
  }
  // Of texts and numbers the whole list is shown; it is short, and its places mean nothing.
  if (![...before, ...after].every(isMapping)) return [{ field, before, after }]
  const places = Math.max(before.length, after.length)
  return Array.from({ length: places }, (_, index) =>
    fieldChanges(before[index], after[index], `${field}[${index}]`),
  ).flat()
}

/** Where a new one comes last, and the others stay in order, there is nothing to say. */
function orderChanges(before: string[], after: string[], field: string): FieldChange[] {
  const stayed = before.filter((name) => after.includes(name))
  const added = after.filter((name) => !before.includes(name))
  if (isDeepStrictEqual([...stayed, ...added], after)) return []
  return [{ field: `${field} (order)`, before, after }]
}

/** What the members are called; null where not all have a name, or two have the same. */
function namesOf(list: unknown[]): string[] | null {
  const names = list.map(nameOf)
  return names.every((name) => name !== null) && new Set(names).size === names.length ? names : null
}

function nameOf(member: unknown): string | null {
  if (!isMapping(member)) return null
  const { path, methods, name, per, currency } = member
  if (typeof path === 'string') return isList(methods) ? `${methods.join(',')} ${path}` : path
  return [name, per, currency].find((value) => typeof value === 'string') ?? null
}

function ownValue(mapping: Mapping, name: string): unknown {
  return Object.hasOwn(mapping, name) ? mapping[name] : undefined
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: unknown): value is unknown[] {
  return Array.isArray(value)
}

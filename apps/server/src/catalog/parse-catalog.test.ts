import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CATALOG_BYTES_MAX } from '../limits.ts'
import { CatalogError, parseCatalog } from './parse-catalog.ts'
import { readCatalog } from './read-catalog.ts'

function problemsOf(text: string): readonly string[] {
  try {
    parseCatalog(text, 'file.yaml')
  } catch (error) {
    assert.ok(error instanceof CatalogError, String(error))
    return error.problems
  }
  return []
}

test('all that is wrong is named at once, each with its line and column', () => {
  const text = `catalog: 2
plan: {}
services:
  "a b": {}
  svc:
    endpoints:
      - { path: convert, methods: [post], credits: 0.1234567, factors: { region: { eu: -1, EU: 2 } } }
      - { pathh: /x }
formats:
  CAD: [dwg]
  excel: [.xlsx, XLS, numbers]
  apple: [pages, numbers]
  none: []
usage_properties: [a=b, customer, a b, customer, 5, x]
plans:
  Free: {}
  pro:
    quota: { limit: 5 }
    price: { per_unit: 0.10, base: "1e3", currency: usd }
    rate_limits: [{limit: 1, per: month}, {limit: 2.5, per: day}]
    endpoints: { deny: ["svc bulk"] }
    premium: yes
  team: 100
`
  assert.deepEqual(problemsOf(text), [
    'file.yaml:1:10: catalog: must be 1, the version of this format',
    'file.yaml:2:1: plan: is not a key that is known here',
    'file.yaml:4:3: services.a b: a service name has no space and no *',
    'file.yaml:7:17: services.svc.endpoints[0].path: must be a path such as /convert or /reports/*, without spaces',
    'file.yaml:7:36: services.svc.endpoints[0].methods[0]: must be a method in capitals, such as POST',
    'file.yaml:7:52: services.svc.endpoints[0].credits: must have at most 6 decimals',
    'file.yaml:7:82: services.svc.endpoints[0].factors.region: lists a value twice: upper and lower case are the same here',
    'file.yaml:7:88: services.svc.endpoints[0].factors.region.eu: must be at least 0',
    'file.yaml:8:9: services.svc.endpoints[1].path: is missing; it must be a text',
    'file.yaml:8:11: services.svc.endpoints[1].pathh: is not a key that is known here',
    'file.yaml:10:3: formats.CAD: a family is lower-case letters, digits, dashes and _',
    'file.yaml:11:11: formats.excel[0]: a format is in lower case and without a dot before it, such as xlsx',
    'file.yaml:11:18: formats.excel[1]: a format is in lower case and without a dot before it, such as xlsx',
    'file.yaml:13:9: formats.none: must have at least 1',
    'file.yaml:14:19: usage_properties: must be at most 5',
    'file.yaml:16:3: plans.Free: a plan’s name is lower-case letters, digits and dashes',
    'file.yaml:18:5: plans.pro.quota.overage: is missing; it must be one of deny, charge',
    'file.yaml:19:24: plans.pro.price.per_unit: must be a decimal in quotes, such as "0.10"',
    'file.yaml:19:36: plans.pro.price.base: must be a decimal such as "0.10"',
    'file.yaml:19:53: plans.pro.price.currency: must be an ISO 4217 currency, such as USD',
    'file.yaml:20:35: plans.pro.rate_limits[0].per: must be one of second, minute, hour, day',
    'file.yaml:20:51: plans.pro.rate_limits[1].limit: must be a whole number, not 2.5',
    'file.yaml:21:25: plans.pro.endpoints.deny[0]: must be “*”, a service, or a service and a path, such as “document-api /bulk/*”',
    'file.yaml:22:14: plans.pro.premium: must be true or false, not a text',
    'file.yaml:23:9: plans.team: must be a mapping, not 100',
  ])
})

test('a format is in one family, and a value twice is named where it is the second time', () => {
  const text = `catalog: 1
formats:
  excel: [xlsx, numbers]
  apple: [pages, numbers, pages]
plans: { free: {} }
`
  assert.deepEqual(problemsOf(text), [
    'file.yaml:4:18: formats.apple[1]: numbers is in excel already',
    'file.yaml:4:27: formats.apple[2]: pages is in apple already',
  ])
})

test('what is not clear YAML is refused with its place', () => {
  const table: [string, RegExp][] = [
    ['catalog: 1\nplans: { free: {}', /^file\.yaml:2:\d+: /],
    ['catalog: 1\nplans:\n  free: {}\n  free: {}', /^file\.yaml:4:3: Map keys must be unique/],
    ['catalog: 1\nplans: *none', /^file\.yaml:2:8: Unresolved alias/],
    ['catalog: 1\nplans: !!js/function {}', /^file\.yaml:2:8: Unresolved tag/],
    ['catalog: 1\n---\ncatalog: 1', /^file\.yaml:2:1: a catalog is one document/],
    ['- 1', /^file\.yaml:1:1: the file: must be a mapping, not a list/],
    ['', /^file\.yaml:1:1: catalog: must be 1/],
    ['catalog: 1\nplans: {}', /^file\.yaml:2:8: plans: must have at least one plan/],
  ]
  for (const [text, expected] of table) {
    assert.match(problemsOf(text)[0] ?? 'accepted', expected, text)
  }
})

test('a file that unfolds without end, or is too large, is refused', () => {
  const row = (name: string, of: string) => `${name}: &${name} [${`${of},`.repeat(10)}]\n`
  const bomb = row('a', 'x') + row('b', '*a') + row('c', '*b') + row('d', '*c')
  assert.match(problemsOf(bomb)[0] ?? 'accepted', /^file\.yaml:2:\d+: Excessive alias count/)
  assert.match(problemsOf(`#${'x'.repeat(CATALOG_BYTES_MAX)}`)[0] ?? 'accepted', /is larger than/)
})

test('a file that is not there is named', async () => {
  await assert.rejects(
    readCatalog('no-such-catalog.yaml'),
    /no-such-catalog\.yaml: cannot be read \(ENOENT\)/,
  )
})

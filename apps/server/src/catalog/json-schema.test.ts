import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { catalogJsonSchema } from './json-schema.ts'
import { CatalogError, parseCatalog } from './parse-catalog.ts'

const FOLDER = join(import.meta.dirname, '../../../../catalogs')
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'))
const textOf = (name: string) => readFileSync(join(FOLDER, name), 'utf8')
const committed = JSON.parse(textOf('catalog.schema.json'))
const ajv = new Ajv({ allErrors: true, allowUnionTypes: true })
const validate = ajv.compile(committed)

/** Places of what an editor would mark, as `/plans/pro/quota`. */
function marked(text: string): string[] {
  validate(parse(text))
  return [...new Set(validate.errors?.map(({ instancePath }) => instancePath) ?? [])]
}

function isCatalog(text: string): boolean {
  try {
    parseCatalog(text, 'file')
    return true
  } catch (error) {
    assert.ok(error instanceof CatalogError)
    return false
  }
}

test('the schema for editors is the one by which the program checks', () => {
  assert.deepEqual(committed, catalogJsonSchema())
})

test('every catalog that comes along fits it, and tells editors where it is', () => {
  assert.ok(files.length >= 6)
  for (const name of files) {
    assert.deepEqual(marked(textOf(name)), [], `${name}: ${JSON.stringify(validate.errors)}`)
    assert.match(
      textOf(name),
      /^# yaml-language-server: \$schema=\.\/catalog\.schema\.json\n/,
      name,
    )
  }
})

test('what is wrong in a catalog is marked where it is', () => {
  const cases: [text: string, place: string][] = [
    ['plans: { pro: {} }', ''],
    ['catalog: 2\nplans: { pro: {} }', '/catalog'],
    ['catalog: 1\nplans: { Pro: {} }', '/plans'],
    ['catalog: 1\nplans: { pro: { quotas: {} } }', '/plans/pro'],
    [
      'catalog: 1\nplans: { pro: { quota: { limit: -1, overage: deny } } }',
      '/plans/pro/quota/limit',
    ],
    ['catalog: 1\nplans: { pro: { counts: some } }', '/plans/pro/counts'],
    ['catalog: 1\nplans: { pro: { trial_days: 1.5 } }', '/plans/pro/trial_days'],
    ['catalog: 1\nplans: { pro: { price: { base: 10 } } }', '/plans/pro/price/base'],
    ['catalog: 1\nplans: { pro: { price: { base: "ten" } } }', '/plans/pro/price/base'],
    ['catalog: 1\nplans: { pro: { price: { currency: usd } } }', '/plans/pro/price/currency'],
    ['catalog: 1\nplans: { pro: { allowance: {} } }', '/plans/pro/allowance'],
    [
      'catalog: 1\nplans: { pro: { price: { charges: [{ name: A, model: tiered }] } } }',
      '/plans/pro/price/charges/0',
    ],
    [
      'catalog: 1\nservices: { docs: { endpoints: [{ path: convert }] } }\nplans: { pro: {} }',
      '/services/docs/endpoints/0/path',
    ],
    [
      'catalog: 1\nmeters: { a: { aggregation: mean } }\nplans: { pro: {} }',
      '/meters/a/aggregation',
    ],
  ]
  for (const [text, place] of cases) {
    assert.ok(!isCatalog(text), text)
    assert.ok(marked(text).includes(place), `${text}: ${JSON.stringify(validate.errors)}`)
  }
})

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { compileTerms } from './compile.ts'
import { parseCatalog } from './parse-catalog.ts'
import { plansSchema } from './schema.ts'

const text = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')
const [file, charges] = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml!)

test('the catalog that is shown to whoever writes one is one', () => {
  const { plans, services } = parseCatalog(file!, 'README.md')
  assert.deepEqual(Object.keys(plans), ['team'])
  assert.equal(services['document-api']!.endpoints.length, 2)
})

test('the charges that are shown there are of all seven models, and can be charged', () => {
  const shown = parse(charges!).charges
  const sum = { aggregation: 'sum', field: 'quantity', group_by: ['region'] }
  const meters = { pages: sum, bytes: sum, emails: sum, turnover: sum }
  const { plans } = plansSchema.parse({ meters, plans: { pro: { price: { charges: shown } } } })
  const models = compileTerms(1, 'pro', 1, plans.pro!).price.charges.map(({ model }) => model)
  assert.equal(new Set(models).size, 7)
})

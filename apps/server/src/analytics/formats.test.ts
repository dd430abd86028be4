import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { catalogFile } from '../../test/api-catalog.ts'
import { send } from '../../test/api-request.ts'
import { expectStatus, testNode } from '../../test/node.ts'
import { sendCalls } from '../../test/usage-example.ts'
import { loadCatalog } from '../catalog/load-catalog.ts'
import { parseCatalog } from '../catalog/parse-catalog.ts'
import { formatFamilies } from './formats.ts'

const withFormats = (formats: string) => `
catalog: 1
formats: ${formats}
plans: { all: { features: { export: true, retention_months: null } } }
`
const file = await catalogFile(withFormats('{ cad: [dwg, dxf], excel: [numbers], sheets: [xls] }'))
const node = await testNode({ catalogFile: file.path })
after(async () => {
  await node.stop()
  await file.remove()
})
const service = await node.service('s')
const tenant = await node.tenant({ plan: 'all', test_clock: '2025-01-31T12:00:00Z' })
const types = ['xlsx', '.XLS', 'numbers', 'DXF', 'dxf', 'dwg', 'pdf', 'constructor', '__proto__']
await sendCalls(
  node,
  service.key,
  tenant.id,
  types.map((file_type) => ({ file_type })),
)

async function read(what: string, tag = '') {
  const headers = { 'if-none-match': tag }
  const path = `/api/usage/${what}`
  return send(node.url, tenant.key, { method: 'GET', path, headers })
}

async function excelColumn(): Promise<string | undefined> {
  const csv = expectStatus(await read('export?format=csv&period=2025-01'), 200).body as string
  return csv.split('\r\n')[31]?.split(',')[2]
}

test('families of the catalog add to those that are known, and take formats to themselves', async () => {
  const { body } = expectStatus(await read('breakdown'), 200)
  const families = body.breakdown.by_format
  assert.deepEqual(families.cad, {
    conversions: 3,
    percentage: 33.3,
    subtypes: { dxf: 2, dwg: 1 },
  })
  assert.deepEqual(families.excel.subtypes, { numbers: 1, xlsx: 1 })
  assert.deepEqual(families.sheets.subtypes, { xls: 1 })
  assert.deepEqual(families.pdf, { conversions: 1, percentage: 11.1 })
  assert.deepEqual(families.constructor, { conversions: 1, percentage: 11.1 })
  assert.equal(await excelColumn(), '2')
})

test('another table holds at once, for what was counted before as well, and a tag knows it', async () => {
  const tags = await Promise.all(
    ['breakdown', 'export?format=csv&period=2025-01', 'history'].map(async (what) => {
      return { what, tag: (await read(what)).headers.get('etag')! }
    }),
  )
  await loadCatalog(node.server.pool, parseCatalog(withFormats('{ excel: [xls, pdf] }'), 'file'))
  await node.server.catalog.refresh()
  const { body } = expectStatus(await read('breakdown'), 200)
  assert.deepEqual(body.breakdown.by_format.excel.subtypes, { pdf: 1, xls: 1, xlsx: 1 })
  assert.deepEqual(body.breakdown.by_format.numbers, { conversions: 1, percentage: 11.1 })
  assert.equal(await excelColumn(), '3')
  const again = await Promise.all(tags.map(({ what, tag }) => read(what, tag)))
  assert.deepEqual(
    again.map(({ status }) => status),
    [200, 200, 304],
  )
})

test('a family that is nothing but its own format says no subtypes', () => {
  const { familyOf, hasSubtypes } = formatFamilies({
    formats: { numbers: ['nmbtemplate'], a: ['b'] },
  })
  assert.deepEqual(
    [familyOf('nmbtemplate'), familyOf('numbers'), familyOf('b'), familyOf('other')],
    ['numbers', 'numbers', 'a', 'other'],
  )
  assert.deepEqual(['numbers', 'pdf', 'excel', 'other'].map(hasSubtypes), [
    true,
    false,
    true,
    false,
  ])
})

test('formats are the same in upper and lower case and with a dot, on either side of a conversion', async () => {
  const { id, key } = await node.tenant({ plan: 'all', test_clock: '2025-01-31T12:00:00Z' })
  await sendCalls(node, service.key, id, [
    { file_type: '.PDF', output_format: '.MD' },
    { file_type: 'pdf', output_format: 'md' },
  ])
  const { body } = expectStatus(await node.call('GET', '/api/usage/history', key), 200)
  assert.deepEqual(body.data[30].conversions.by_type, { 'pdf-to-md': 2 })
})

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { expectStatus, testNode } from '../../../test/node.ts'
import { sendCalls } from '../../../test/usage-example.ts'

const node = await testNode()
after(() => node.stop())
const service = await node.service()
const tenant = await node.tenant({ plan: 'pro', test_clock: '2025-01-02T00:00:00Z' })

/** So many calls of one kind, as the document's example of a file has them. */
function day(date: string, excel: number, pdf: number, word: number, failed: number, ms: number) {
  const kinds = [
    ...Array(excel).fill('xlsx'),
    ...Array(pdf).fill('pdf'),
    ...Array(word).fill('docx'),
  ]
  return kinds.map((file_type, index) => ({
    file_type,
    output_format: 'md',
    timestamp: `${date}T10:00:00Z`,
    status: index < failed ? 'failure' : 'success',
    processing_time_ms: ms,
  }))
}
await sendCalls(node, service.key, tenant.id, [
  ...day('2024-12-01', 72, 43, 30, 2, 1_823),
  ...day('2024-12-02', 84, 51, 32, 5, 1_967),
])

async function file(query: string, key = tenant.key) {
  return node.call('GET', `/api/usage/export?${query}`, key)
}

test('the file is the one of the document: its name, its header, its lines', async () => {
  const { headers, body } = expectStatus(await file('format=csv&period=last_month'), 200)
  assert.equal(headers.get('content-type'), 'text/csv; charset=utf-8')
  assert.equal(headers.get('content-disposition'), 'attachment; filename="usage_2024-12.csv"')
  const lines = body.split('\r\n')
  assert.deepEqual(lines.slice(0, 4), [
    'Date,Conversions,Excel,PDF,Word,Success_Rate,Avg_Processing_MS',
    '2024-12-01,145,72,43,30,98.6,1823',
    '2024-12-02,167,84,51,32,97.0,1967',
    '2024-12-03,0,0,0,0,,',
  ])
  assert.equal(lines.length, 1 + 31 + 1)
})

test('as JSON it is a list of the days, and line by line the same', async () => {
  const range = 'start_date=2024-12-01&end_date=2024-12-02'
  const json = expectStatus(await file(`format=json&${range}`), 200)
  assert.match(json.headers.get('content-disposition')!, /"usage_2024-12-01_2024-12-02\.json"/)
  assert.deepEqual(json.body[0], {
    date: '2024-12-01',
    conversions: 145,
    excel: 72,
    pdf: 43,
    word: 30,
    success_rate: 98.6,
    avg_processing_ms: 1_823,
  })
  const path = `/api/usage/export?format=ndjson&${range}`
  const authorization = `Bearer ${tenant.key}`
  const reply = await fetch(node.url + path, { headers: { authorization } })
  const lines = (await reply.text()).trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    json.body,
  )
})

test('free has no export, and what nobody writes is no format', async () => {
  const free = await node.tenant({ plan: 'free' })
  const refused = await file('format=csv', free.key)
  assert.deepEqual(
    [refused.status, refused.body.feature, refused.body.plan],
    [403, 'export', 'pro'],
  )
  assert.equal((await file('format=xlsx')).status, 400)
  assert.equal((await file('granularity=hourly')).status, 400)
})

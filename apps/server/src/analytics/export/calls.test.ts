import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { EXPORT_CALL_COLUMN_NAMES, EXPORT_FORMATS } from '@tollgate/contract'
import fc from 'fast-check'
import { BEGINS_FORMULA, callsFromEntries, parseCsv, rowsOf } from '../../../test/export-reading.ts'
import { signedIn } from '../../../test/members.ts'
import { expectStatus, testNode } from '../../../test/node.ts'
import { sendCalls } from '../../../test/usage-example.ts'

const node = await testNode()
after(() => node.stop())
const service = await node.service()

async function file(tenantId: string, query: string) {
  const path = `/api/admin/tenants/${tenantId}/usage/export?level=events&${query}`
  const headers = { authorization: `Bearer ${node.operatorKey}` }
  const reply = await fetch(node.url + path, { headers })
  assert.equal(reply.status, 200, path)
  return { headers: reply.headers, bytes: Buffer.from(await reply.arrayBuffer()) }
}

/** Every kind of call: denied, voided, late, in parts of units, by keys with a team and people. */
async function variedTenant() {
  const tenant = await node.tenant({ plan: 'prepaid' })
  const grant = { amount: 40.25, reason: 'test' }
  expectStatus(await node.admin('POST', `/api/admin/tenants/${tenant.id}/credits`, grant), 201)
  const path = `/api/admin/tenants/${tenant.id}/keys`
  const teamed = expectStatus(
    await node.admin('POST', path, { team: '=cmd|"x"!A1', name: 'k' }),
    201,
  )
  const track = async (key: string, body: object) => {
    const reply = await node.call('POST', '/api/track', key, { endpoint: '/x', ...body })
    assert.ok([200, 402].includes(reply.status), JSON.stringify(reply.body))
    return reply.body
  }
  await track(tenant.key, { credits_used: 0.5, quantity: 2.25, method: 'POST' })
  const taken = await track(teamed.body.key, { credits_used: 0.000001, quantity: 0.000001 })
  await track(teamed.body.key, {
    status: 'failure',
    error_code: '-1+1',
    token_count: 1_000_000_000_000,
    file_size_bytes: 0,
    properties: { z: 1, a: ['=1', { '"': ',\n' }], 'ü😀': null },
  })
  await track(tenant.key, { credits_used: 1_000, service_name: '@SUM(1)' })
  const before = new Date(Date.now() - 60_000).toISOString()
  await sendCalls(node, service.key, tenant.id, [{ timestamp: before, file_type: 'xlsx' }])
  const admin = await signedIn(node, 'owner', tenant.id)
  const asOwner = await node.call('POST', '/api/track', admin.accessToken, { endpoint: '/owner' })
  assert.ok([200, 403].includes(asOwner.status))
  expectStatus(await node.admin('POST', `/api/events/${taken.event_id}/void`, { reason: 'r' }), 200)
  return tenant
}
const varied = await variedTenant()
const period = 'period=last_7_days'

for (const format of EXPORT_FORMATS) {
  test(`as ${format} every call is there as the log has it, denied and voided ones as well`, async () => {
    const expected = await callsFromEntries(node, varied.id)
    assert.ok(expected.some(({ voided_by }) => voided_by !== null))
    assert.ok(expected.some(({ decision }) => decision === 'denied'))
    assert.ok(expected.some(({ team }) => team !== null))
    const { bytes, headers } = await file(varied.id, `format=${format}&${period}`)
    assert.deepEqual(await rowsOf(format, bytes, expected), expected)
    assert.match(headers.get('content-disposition')!, new RegExp(`usage_events_.*\\.${format}"$`))
    assert.ok(Number(headers.get('x-export-through')) > expected.length)
  })
}

test('a file of no calls has its names, and is whole in every format', async () => {
  const { id } = await node.tenant()
  const { bytes } = await file(id, 'format=csv')
  assert.equal(bytes.toString(), `${EXPORT_CALL_COLUMN_NAMES.join(',')}\r\n`)
  for (const format of ['json', 'ndjson', 'parquet'] as const) {
    assert.deepEqual(await rowsOf(format, (await file(id, `format=${format}`)).bytes, []), [])
  }
})

const CHARS = [
  '=',
  '+',
  '-',
  '@',
  '\t',
  '\r',
  '\n',
  '"',
  "'",
  ',',
  ';',
  '\\',
  ' ',
  '＝',
  '＠',
  '\u0001',
]
const hostile = fc
  .array(fc.oneof(fc.constantFrom(...CHARS), fc.string({ unit: 'binary', maxLength: 3 })), {
    minLength: 1,
    maxLength: 12,
  })
  .map((parts) => parts.join('').replaceAll('\0', ''))
  .filter((text) => text.length > 0 && text.isWellFormed())

test('whatever senders write comes out as they wrote it, and is never run by a spreadsheet', async () => {
  const tenant = await node.tenant({ plan: 'enterprise' })
  const call = fc.record({
    endpoint: hostile,
    region: hostile,
    feature: hostile,
    file_type: hostile,
    properties: fc.dictionary(hostile, hostile, { maxKeys: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 40 }), async (calls) => {
      const cursor = (await callsFromEntries(node, tenant.id)).at(-1)?.seq ?? 0
      await sendCalls(node, service.key, tenant.id, calls)
      const all = await callsFromEntries(node, tenant.id)
      const expected = all.filter(({ seq }) => Number(seq) > Number(cursor))
      assert.equal(expected.length, calls.length)
      assert.deepEqual(
        expected.map(({ region }) => region),
        calls.map(({ region }) => region),
      )
      for (const format of EXPORT_FORMATS) {
        const { bytes } = await file(tenant.id, `format=${format}&cursor=${cursor}&${period}`)
        const names = Buffer.from(`${EXPORT_CALL_COLUMN_NAMES.join(',')}\r\n`)
        const whole = format === 'csv' ? Buffer.concat([names, bytes]) : bytes
        assert.deepEqual(await rowsOf(format, whole, expected), expected, format)
        if (format === 'csv') noneIsRun(whole.toString())
      }
    }),
    { numRuns: 12 },
  )
})

function noneIsRun(csv: string): void {
  for (const cell of parseCsv(csv).flat()) {
    assert.ok(!BEGINS_FORMULA.test(cell), JSON.stringify(cell))
  }
}

test('from every row on exactly the rest comes, though calls and voids came after', async () => {
  for (const format of ['csv', 'ndjson'] as const) {
    const expected = await callsFromEntries(node, varied.id)
    const first = await file(varied.id, `format=${format}&${period}`)
    const through = first.headers.get('x-export-through')
    const late = { tenant_id: varied.id, endpoint: '/late' }
    const { body } = expectStatus(await node.call('POST', '/api/track', service.key, late), 200)
    const voiding = `/api/events/${expected.at(-1)!.event_id}/void`
    expectStatus(await node.admin('POST', voiding, { reason: 'r' }), 200)
    assert.ok(body.seq > Number(through))
    const rows = first.bytes.toString().split(/(?<=\r\n)(?=\d+,evt_)|(?<=[^\r]\n)(?={"seq")/)
    if (format === 'csv') rows.shift()
    assert.equal(rows.length, expected.length)
    for (const [index, { seq }] of expected.entries()) {
      const query = `format=${format}&${period}&cursor=${seq}&through=${through}`
      const rest = (await file(varied.id, query)).bytes.toString()
      assert.equal(rest, rows.slice(index + 1).join(''), `${format} ${seq}`)
    }
  }
})

test('what belongs to another day is not in it, nor is what came late in the wrong one', async () => {
  const tenant = await node.tenant({ plan: 'enterprise', test_clock: '2025-03-10T12:00:00Z' })
  const at = ['2025-02-28T23:59:59.999Z', '2025-03-01T00:00:00Z', '2025-03-10T11:00:00Z']
  await sendCalls(
    node,
    service.key,
    tenant.id,
    at.map((timestamp) => ({ timestamp })),
  )
  const seqs = async (query: string) => {
    const { bytes } = await file(tenant.id, `format=json&${query}`)
    return JSON.parse(bytes.toString()).map((row: { occurred_at: string }) =>
      at.indexOf(row.occurred_at.replace('.000Z', 'Z')),
    )
  }
  assert.deepEqual(await seqs('period=2025-02'), [0])
  assert.deepEqual(await seqs('period=2025-03'), [1, 2])
  assert.deepEqual(await seqs('start_date=2025-02-28&end_date=2025-03-01'), [0, 1])
  assert.deepEqual(await seqs('period=2025-01'), [])
})

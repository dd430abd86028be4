import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { expectStatus, testNode } from '../../../test/node.ts'

const node = await testNode()
const service = await node.service('document-api')
after(() => node.stop())

type Reply = Awaited<ReturnType<typeof node.call>>['body']

async function clockedTenant(plan: string, testClock: string) {
  return node.tenant({ plan, test_clock: testClock })
}

async function calls(tenant: { id: string }, count: number, more: object = {}): Promise<void> {
  for (let left = count; left > 0; left -= 500) {
    const events = Array.from({ length: Math.min(left, 500) }, () => ({
      tenant_id: tenant.id,
      endpoint: '/convert',
      method: 'POST',
      ...more,
    }))
    const reply = expectStatus(await node.call('POST', '/api/track', service.key, events), 200)
    for (const { status } of reply.body.results) assert.equal(status, 200)
  }
}

async function moveTo(tenant: { id: string }, now: string): Promise<string[]> {
  const path = `/api/admin/tenants/${tenant.id}/clock`
  return expectStatus(await node.admin('POST', path, { now }), 200).body.invoices
}

async function invoices(tenant: { key: string }): Promise<Reply[]> {
  return expectStatus(await node.call('GET', '/api/billing/invoices', tenant.key), 200).body.data
}

async function upcoming(tenant: { key: string }): Promise<Reply> {
  return expectStatus(await node.call('GET', '/api/billing/upcoming', tenant.key), 200).body
}

const amounts = (invoice: Reply) =>
  invoice.lines.map(({ description, amount }: Reply) => [description, amount])

test('250 requests on pro are an invoice of $25.00 once the month has ended, and only one', async () => {
  const tenant = await clockedTenant('pro', '2025-01-01T00:00:00Z')
  await calls(tenant, 250)
  assert.equal((await upcoming(tenant)).total, '25.00')
  assert.deepEqual(await invoices(tenant), [])
  const [id] = await moveTo(tenant, '2025-02-01T00:00:00Z')
  assert.deepEqual(await moveTo(tenant, '2025-02-01T00:00:00Z'), [])
  const [invoice, ...others] = await invoices(tenant)
  assert.deepEqual(others, [])
  assert.equal(invoice.invoice_id, id)
  assert.match(invoice.number, /^TEST-INV-\d{6}$/)
  assert.deepEqual(invoice.period, {
    start: '2025-01-01T00:00:00Z',
    end: '2025-01-31T23:59:59Z',
    timezone: 'UTC',
  })
  assert.deepEqual(
    [invoice.status, invoice.currency, invoice.subtotal, invoice.tax, invoice.total],
    ['open', 'USD', '25.00', '0.00', '25.00'],
  )
  assert.deepEqual(amounts(invoice), [['Calls', '25.00']])
  assert.deepEqual(invoice.lines[0].entries, { first_seq: 2, last_seq: 251, count: 250 })
})

test('$10 a month with 10,000 conversions is $10.00, also for three months in a row', async () => {
  const tenant = await clockedTenant('team', '2025-01-31T10:00:00Z')
  await calls(tenant, 3)
  const ids = await moveTo(tenant, '2025-05-01T00:00:00Z')
  assert.equal(ids.length, 3)
  const all = await invoices(tenant)
  assert.deepEqual(
    all.map(({ period, total }) => [period.start.slice(0, 10), period.end.slice(0, 10), total]),
    [
      ['2025-03-31', '2025-04-29', '10.00'],
      ['2025-02-28', '2025-03-30', '10.00'],
      ['2025-01-31', '2025-02-27', '10.00'],
    ],
  )
})

test('a plan that changes in the middle is charged by the time that each held, to the millisecond', async () => {
  const tenant = await clockedTenant('team', '2025-01-01T00:00:00Z')
  await moveTo(tenant, '2025-01-11T00:00:00Z')
  expectStatus(await node.admin('PATCH', `/api/admin/tenants/${tenant.id}`, { plan: 'pro' }), 200)
  await calls(tenant, 7)
  await moveTo(tenant, '2025-02-01T00:00:00Z')
  const [invoice] = await invoices(tenant)
  // 10.00 × 10 ÷ 31 days, half-even; included are as many days of 10,000.
  assert.deepEqual(amounts(invoice), [
    ['Base fee, plan team', '3.23'],
    ['Calls, of 3225.806452 included', '0.00'],
    ['Calls', '0.70'],
  ])
  assert.deepEqual(invoice.lines[0].period, {
    start: '2025-01-01T00:00:00.000Z',
    end: '2025-01-10T23:59:59.000Z',
  })
  assert.equal(invoice.total, '3.93')
})

test('what is reported after the invoice, or voided, is a correction on the next one', async () => {
  const tenant = await clockedTenant('pro', '2025-01-01T00:00:00Z')
  await calls(tenant, 10)
  await moveTo(tenant, '2025-02-01T00:00:00Z')
  const late = { timestamp: '2025-01-20T00:00:00Z' }
  await calls(tenant, 3, late)
  const entries = expectStatus(await node.call('GET', '/api/entries', tenant.key), 200).body.data
  const first = entries.findLast(({ kind }: Reply) => kind === 'call')
  expectStatus(
    await node.call('POST', `/api/events/${first.event_id}/void`, service.key, { reason: 'wrong' }),
    200,
  )
  await calls(tenant, 1)
  await moveTo(tenant, '2025-03-01T00:00:00Z')
  const [second, issued] = await invoices(tenant)
  assert.equal(issued.total, '1.00')
  assert.deepEqual(amounts(second), [
    ['Calls', '0.10'],
    ['Calls, period from 2025-01-01: correction', '0.20'],
  ])
  assert.equal(second.total, '0.30')
  await moveTo(tenant, '2025-04-01T00:00:00Z')
  const [third] = await invoices(tenant)
  assert.deepEqual(
    third.lines.map(({ kind }: Reply) => kind),
    ['charge'],
  )
})

test('what was issued cannot be changed or deleted, not even in the database', async () => {
  const { pool } = node.server
  for (const statement of [
    `UPDATE invoice SET total = total + 1`,
    `UPDATE invoice SET document = '{}'`,
    `UPDATE invoice SET number = 'x' || number`,
    `DELETE FROM invoice`,
  ]) {
    await assert.rejects(pool.query(statement), /what was issued does not change/, statement)
  }
})

test('an invoice can be had as a page, a table and a PDF, by its tenant and nobody else', async () => {
  const tenant = await clockedTenant('pro', '2025-01-01T00:00:00Z')
  await calls(tenant, 25)
  const [id] = await moveTo(tenant, '2025-02-01T00:00:00Z')
  const [{ number }] = await invoices(tenant)
  const get = async (format: string, key = tenant.key) => {
    const path = `/api/billing/invoices/${id}?format=${format}`
    const reply = await fetch(node.url + path, { headers: { authorization: `Bearer ${key}` } })
    return { reply, bytes: Buffer.from(await reply.arrayBuffer()) }
  }
  const page = await get('html')
  assert.equal(page.reply.headers.get('content-type'), 'text/html; charset=utf-8')
  assert.match(page.reply.headers.get('content-security-policy') ?? '', /style-src 'sha256-/)
  assert.ok(page.bytes.includes(number))
  const table = await get('csv')
  assert.equal(table.reply.headers.get('content-type'), 'text/csv; charset=utf-8')
  assert.equal(
    table.reply.headers.get('content-disposition'),
    `attachment; filename="${number}.csv"`,
  )
  const pdf = await get('pdf')
  assert.equal(pdf.reply.headers.get('content-type'), 'application/pdf')
  assert.equal(pdf.bytes.subarray(0, 5).toString(), '%PDF-')
  assert.equal((await get('doc')).reply.status, 400)
  const other = await node.tenant()
  for (const format of ['json', 'html', 'csv', 'pdf']) {
    assert.equal((await get(format, other.key)).reply.status, 404)
  }
})

test('a test clock shows no time that a log could not be read again with', async () => {
  for (const now of ['0000-06-01T00:00:00Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59-12:00']) {
    const name = { name: 'T', email: 't@example.com', plan: 'team', test_clock: now }
    const refused = expectStatus(await node.admin('POST', '/api/admin/tenants', name), 400)
    assert.equal(refused.body.errors[0].field, 'test_clock')
  }
  const last = await clockedTenant('team', '9899-12-01T00:00:00Z')
  assert.equal((await moveTo(last, '9900-01-01T00:00:00Z')).length, 1)
  const path = `/api/admin/tenants/${last.id}/clock`
  expectStatus(await node.admin('POST', path, { now: '9900-01-01T00:00:01Z' }), 400)
})

test('a correction has the discounts of the period that it corrects: nothing is given back that was not asked', async () => {
  for (const [discount, corrected] of [
    [{ kind: 'percentage', value: '100' }, []],
    [
      { kind: 'percentage', value: '50' },
      [
        ['Calls', '-2.00'],
        ['Discounts and minimum commitment', '1.00'],
      ],
    ],
    [
      { kind: 'amount', value: '1.50' },
      [
        ['Calls', '-2.00'],
        ['Discounts and minimum commitment', '1.50'],
      ],
    ],
  ] as const) {
    const tenant = await clockedTenant('pro', '2025-01-01T00:00:00Z')
    const discounts = `/api/admin/tenants/${tenant.id}/discounts`
    const body = { description: 'A start', periods: 1, ...discount }
    expectStatus(await node.admin('POST', discounts, body), 201)
    await calls(tenant, 20)
    await moveTo(tenant, '2025-02-01T00:00:00Z')
    const path = '/api/entries?limit=100'
    const entries = expectStatus(await node.call('GET', path, tenant.key), 200).body.data
    for (const { kind, event_id } of entries) {
      if (kind !== 'call') continue
      const undo = `/api/events/${event_id}/void`
      expectStatus(await node.call('POST', undo, service.key, { reason: 'wrong' }), 200)
    }
    await moveTo(tenant, '2025-03-01T00:00:00Z')
    const [next, issued] = await invoices(tenant)
    const expected = corrected.map(([name, amount]) => [
      `${name}, period from 2025-01-01: correction`,
      amount,
    ])
    const corrections = next.lines.filter(({ kind }: Reply) => kind === 'adjustment')
    if (corrected.length > 0) assert.deepEqual(amounts({ lines: corrections }), expected)
    // What is asked in the end is what nothing costs.
    assert.equal(Number(next.total) + Number(issued.total), 0)
  }
})

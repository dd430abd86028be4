import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { billedTenants } from '../../../test/billed-tenants.ts'
import { inParallel } from '../../../test/api-parallel.ts'
import { expectStatus, type Reply, testNode } from '../../../test/node.ts'
import { parseExact } from '../../lib/money.ts'
import { verifyInvoices } from '../verify/verify-invoices.ts'
import { creditUse } from './credit-use.ts'

const node = await testNode()
after(() => node.stop())
const billed = await billedTenants(node)

type Json = Reply['body']
type Tenant = Awaited<ReturnType<typeof belowZero>>

/** A tenant with an invoice of January over 1.00, and one of February over 0.30 less 0.80 of January. */
async function belowZero() {
  const tenant = await billed.clocked('pro', '2025-01-01T00:00:00Z')
  const events = await billed.calls(tenant, 10)
  await billed.move(tenant, '2025-02-01T00:00:00Z')
  for (const event of events.slice(0, 8)) {
    expectStatus(await node.admin('POST', `/api/events/${event}/void`, { reason: 'wrong' }), 200)
  }
  await billed.calls(tenant, 3)
  const upcoming = expectStatus(await node.call('GET', '/api/billing/upcoming', tenant.key), 200)
  const [february] = await billed.move(tenant, '2025-03-01T00:00:00Z')
  return { ...tenant, upcoming: upcoming.body, february: february! }
}

/** So many calls at 0.10 in a month, and its invoice. */
async function month(tenant: Tenant, calls: number, until: string): Promise<Json> {
  await billed.calls(tenant, calls)
  const [invoiceId] = await billed.move(tenant, until)
  return billed.invoice(invoiceId!)
}

const told = ({ status, total, credit_applied, credit_balance, amount_due }: Json) => [
  status,
  total,
  credit_applied,
  credit_balance,
  amount_due,
]

async function balanceOf(tenant: Tenant): Promise<string> {
  const { body } = await node.call('GET', '/api/billing/upcoming', tenant.key)
  return body.credit_balance
}

const mark = (invoiceId: string, status: string) =>
  node.admin('POST', `/api/admin/invoices/${invoiceId}/status`, { status })

const credit = (invoiceId: string, amount: string) =>
  node.admin('POST', `/api/admin/invoices/${invoiceId}/credit-notes`, { amount, reason: 'r' })

test('an invoice below zero is settled, and what it leaves over is taken off the next ones', async () => {
  const tenant = await belowZero()
  assert.deepEqual(told(tenant.upcoming), ['draft', '-0.50', '0.00', '0.50', '0.00'])
  const february = await billed.invoice(tenant.february)
  assert.deepEqual(told(february), ['paid', '-0.50', '0.00', '0.50', '0.00'])
  assert.equal(february.paid_at, february.issued_at)
  const march = await month(tenant, 2, '2025-04-01T00:00:00Z')
  assert.deepEqual(told(march), ['paid', '0.20', '0.20', '0.30', '0.00'])
  const april = await month(tenant, 10, '2025-05-01T00:00:00Z')
  assert.deepEqual(told(april), ['open', '1.00', '0.30', '0.00', '0.70'])
  assert.deepEqual(told(await month(tenant, 1, '2025-06-01T00:00:00Z')), [
    'open',
    '0.10',
    '0.00',
    '0.00',
    '0.10',
  ])
  for (const status of ['void', 'uncollectible', 'open']) {
    assert.notEqual((await mark(tenant.february, status)).status, 200)
  }
  const page = await node.admin('GET', `/api/billing/invoices/${tenant.february}?format=html`)
  assert.match(page.body, /0\.50 in your favour are left over/)
})

test('an invoice that becomes void gives back what it took, once', async () => {
  const tenant = await belowZero()
  const march = await month(tenant, 9, '2025-04-01T00:00:00Z')
  assert.deepEqual(told(march), ['open', '0.90', '0.50', '0.00', '0.40'])
  assert.equal(await balanceOf(tenant), '0.00')
  await inParallel(Array.from({ length: 6 }), 6, () => mark(march.invoice_id, 'void'))
  assert.equal(await balanceOf(tenant), '0.50')
  const april = await month(tenant, 1, '2025-05-01T00:00:00Z')
  assert.deepEqual(told(april), ['paid', '0.10', '0.10', '0.40', '0.00'])
})

test('credit notes take back money first, and then the credit, which is there again', async () => {
  const tenant = await belowZero()
  const { invoice_id: march } = await month(tenant, 9, '2025-04-01T00:00:00Z')
  expectStatus(await credit(march, '0.10'), 201)
  assert.deepEqual(told(await billed.invoice(march)), ['open', '0.90', '0.50', '0.00', '0.30'])
  assert.equal(await balanceOf(tenant), '0.00')
  // 0.30 were still to be paid; the other 0.20 were paid by credit.
  expectStatus(await credit(march, '0.50'), 201)
  assert.deepEqual(told(await billed.invoice(march)), ['paid', '0.90', '0.50', '0.00', '0.00'])
  assert.equal(await balanceOf(tenant), '0.20')
  expectStatus(await credit(march, '0.30'), 201)
  assert.equal(await balanceOf(tenant), '0.50')
  assert.equal((await credit(march, '0.01')).body.code, 'credit_exceeds_invoice')
  // One that takes all, at once.
  const { invoice_id: april } = await month(tenant, 9, '2025-05-01T00:00:00Z')
  assert.equal(await balanceOf(tenant), '0.00')
  expectStatus(await credit(april, '0.90'), 201)
  assert.equal(await balanceOf(tenant), '0.50')
})

test('however often and at how many places periods are closed, credit is taken once', async () => {
  const tenant = await belowZero()
  await billed.calls(tenant, 2)
  const path = `/api/admin/tenants/${tenant.id}/clock`
  const moves = await inParallel(Array.from({ length: 6 }), 6, () =>
    node.admin('POST', path, { now: '2025-06-01T00:00:00Z' }),
  )
  for (const { status } of moves) assert.ok(status < 500, String(status))
  const [, , march] = (await billed.invoices(tenant)).reverse()
  assert.deepEqual(told(march), ['paid', '0.20', '0.20', '0.30', '0.00'])
  assert.equal(await balanceOf(tenant), '0.30')
})

test('nobody is asked for an amount below zero, and nobody for what credit has paid', async () => {
  const { rows } = await node.server.pool.query(
    `SELECT count(*)::int AS wrong FROM invoice
     WHERE status = 'open' AND total - credited - credit_applied <= 0`,
  )
  assert.equal(rows[0].wrong, 0)
})

test('all of it is worked out again from the logs, and what was tampered with is told', async () => {
  const verified = async () => {
    const client = await node.server.pool.connect()
    try {
      return (await verifyInvoices(client, node.server.catalog)).differences.map(({ what }) => what)
    } finally {
      client.release()
    }
  }
  assert.deepEqual(await verified(), [])
  const { pool } = node.server
  const triggers = async (what: 'ENABLE' | 'DISABLE') => {
    for (const table of ['invoice', 'customer_credit_move']) {
      await pool.query(`ALTER TABLE ${table} ${what} TRIGGER USER`)
    }
  }
  const took = `(SELECT min(invoice_id) FROM customer_credit_move WHERE kind = 'applied')`
  const tampered: [string, string, RegExp][] = [
    [
      'UPDATE customer_credit SET balance = balance + 5',
      'UPDATE customer_credit SET balance = balance - 5',
      /^credit is .*, its moves come to /,
    ],
    [
      `UPDATE customer_credit_move SET amount = amount - 0.05 WHERE invoice_id = ${took} AND kind = 'applied'`,
      `UPDATE customer_credit_move SET amount = amount + 0.05 WHERE invoice_id = ${took} AND kind = 'applied'`,
      /the moves of credit make it something else/,
    ],
    [
      `UPDATE invoice SET credit_applied = credit_applied - 0.05 WHERE invoice_id = ${took}`,
      `UPDATE invoice SET credit_applied = credit_applied + 0.05 WHERE invoice_id = ${took}`,
      /the moves of credit make it something else/,
    ],
    [
      `UPDATE customer_credit_move SET kind = 'left_over' WHERE kind = 'given_back' AND no = 3`,
      `UPDATE customer_credit_move SET kind = 'given_back' WHERE document_id <> invoice_id AND kind = 'left_over' OR no = 3 AND kind = 'left_over'`,
      /gave back 0(\.\d+)? of the credit that it took/,
    ],
  ]
  await triggers('DISABLE')
  for (const [does, undoes, says] of tampered) {
    await pool.query(does)
    const differences = await verified()
    await pool.query(undoes)
    assert.ok(
      differences.some((what) => says.test(what)),
      `${does}: ${JSON.stringify(differences)}`,
    )
  }
  await triggers('ENABLE')
  assert.deepEqual(await verified(), [])
  await assert.rejects(pool.query('DELETE FROM customer_credit_move'), /does not change/)
  await assert.rejects(pool.query('UPDATE invoice SET credit_applied = 0.01'), /does not change/)
})

test('whatever invoices come to, what is asked in money is their sum, or nothing while that is below zero', () => {
  const totals = fc.array(fc.integer({ min: -500, max: 500 }), { maxLength: 20 })
  fc.assert(
    fc.property(totals, (cents) => {
      let [balance, asked, sum] = [parseExact('0'), parseExact('0'), parseExact('0')]
      for (const cent of cents) {
        const total = parseExact(String(cent)).div(100)
        const use = creditUse(balance.toFixed(), total.toFixed(2))
        const due = total.sub(use.applied)
        assert.ok(use.applied.gte(0) && use.balance.gte(0))
        if (due.gt(0)) assert.ok(use.balance.isZero(), 'money is asked for while there is credit')
        if (due.gt(0)) asked = asked.add(due)
        sum = sum.add(total)
        balance = use.balance
        assert.ok(asked.sub(balance).eq(sum))
      }
    }),
  )
})

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { verifyInvoices } from '../src/billing/verify/verify-invoices.ts'
import { migrate } from '../src/db/migrate.ts'
import { billedTenants } from './billed-tenants.ts'
import { expectStatus, testNode } from './node.ts'
import { assertFoundOut, json, type Tampering } from './tampering.ts'

// What corrections went by, besides the log: what was void, what people had credited, how it was taxed.

const node = await testNode()
after(() => node.stop())
const { pool } = node.server
const billed = await billedTenants(node)
const tenant = await billed.clocked('pro', '2025-01-01T00:00:00Z')
const agree = async (terms: object) => {
  const path = `/api/admin/tenants/${tenant.id}/billing`
  expectStatus(await node.admin('PUT', path, terms), 200)
}
const months = [2, 3, 4, 5, 6].map((month) => `2025-0${month}-01T00:00:00Z`)
const LATE = { timestamp: '2025-01-20T00:00:00Z' }

await agree({ tax_rate: '19' })
const events = await billed.calls(tenant, 10)
const [january] = (await billed.move(tenant, months[0]!)) as [string]
await agree({ tax_rate: '7' })
await billed.calls(tenant, 3, LATE)
await billed.calls(tenant, 5)
const [february] = (await billed.move(tenant, months[1]!)) as [string]
const credit = { amount: '1.00', reason: 'goodwill' }
const notes = `/api/admin/invoices/${january}/credit-notes`
expectStatus(await node.admin('POST', notes, credit), 201)
const status = `/api/admin/invoices/${february}/status`
expectStatus(await node.admin('POST', status, { status: 'void' }), 200)
await billed.calls(tenant, 1)
// It asks again what the void one asked for January.
await billed.move(tenant, months[2]!)
for (const event of events.slice(0, 9)) {
  expectStatus(await node.admin('POST', `/api/events/${event}/void`, { reason: 'wrong' }), 200)
}
await billed.calls(tenant, 1)
// It gives back what was not credited.
await billed.move(tenant, months[3]!)
await agree({ late_usage: 'credit_note' })
await billed.calls(tenant, 20)
await billed.move(tenant, months[4]!)

const { rows } = await pool.query<{ number: string; tenant_no: number }>(
  'SELECT number, tenant_no FROM invoice ORDER BY period_start',
)
const [first, second, third, fourth] = rows.map(({ number }) => number) as [
  string,
  string,
  string,
  string,
]
const whose = `tenant number ${rows[0]!.tenant_no}`
const note = 'TEST-CN-000001'

async function differences() {
  const client = await pool.connect()
  try {
    return (await verifyInvoices(client, node.server.catalog)).differences
  } finally {
    client.release()
  }
}

test('the steps are in the order in which they were done', async () => {
  const { rows: steps } = await pool.query<{ no: bigint; kind: string }>(
    'SELECT no, kind FROM document_step ORDER BY no',
  )
  assert.deepEqual(
    steps.map(({ no, kind }) => `${no} ${kind}`),
    ['1 invoice', '2 invoice', '3 credit_note', '4 void', '5 invoice', '6 invoice', '7 invoice'],
  )
  assert.deepEqual(await differences(), [])
})

const TAMPERED: Record<string, Tampering> = {
  'what was void is open again': {
    does: `UPDATE invoice SET status = 'open' WHERE number = '${second}'`,
    told: [`${whose}, ${second}: is open, and there is a step that made it void`],
  },
  'what was open is void': {
    does: `UPDATE invoice SET status = 'void' WHERE number = '${third}'`,
    told: [`${whose}, ${third}: is void, and there is no step that made it so`],
  },
  'what was open is void, with a step for it before it mattered': {
    does: `UPDATE invoice SET status = 'void' WHERE number = '${first}';
      UPDATE document_step SET document_id = '${january}' WHERE kind = 'void'`,
    told: [
      `${whose}, ${third}: has 2 lines where 1 belong`,
      `${whose}, ${second}: is void, and there is no step that made it so`,
    ],
  },
  'an invoice was never void, and nothing says so': {
    does: `UPDATE invoice SET status = 'open' WHERE number = '${second}';
      DELETE FROM document_step WHERE kind = 'void'`,
    told: [
      `${whose}: step 4 of its documents is missing`,
      `${whose}, ${third}: has 2 lines where 1 belong`,
    ],
  },
  'steps are closed up behind a void that is gone': {
    does: `UPDATE invoice SET status = 'open' WHERE number = '${second}';
      DELETE FROM document_step WHERE kind = 'void';
      UPDATE document_step SET no = -no WHERE no > 4;
      UPDATE document_step SET no = -no - 1 WHERE no < 0;
      UPDATE billing_position SET steps = steps - 1`,
    told: [`${whose}, ${third}: was issued at step 4, it says 5`],
  },
  'it became void later': {
    does: `UPDATE document_step SET no = 100 WHERE no = 4;
      UPDATE document_step SET no = 4 WHERE no = 5;
      UPDATE document_step SET no = 5 WHERE no = 100`,
    told: [
      `${whose}, ${third}: was issued at step 4, it says 5`,
      `${whose}, ${third}: has 2 lines where 1 belong`,
    ],
  },
  'a credit came later': {
    does: `UPDATE document_step SET no = 100 WHERE no = 3;
      UPDATE document_step SET no = 3 WHERE no = 6;
      UPDATE document_step SET no = 6 WHERE no = 100`,
    told: [`${whose}, ${note}: was issued at step 6, it says 3`],
  },
  'a document does not say its step': {
    does: `UPDATE invoice SET document = (document::jsonb #- '{no}')::json WHERE number = '${fourth}'`,
    told: [`${whose}, ${fourth}: was issued at step 6, it says none`],
  },
  'more of a credit is tax': {
    does: `UPDATE credit_note SET document = jsonb_set(${json('{issued,subtotal}', '"0.50"')}::jsonb, '{issued,tax}', '"0.50"')::json`,
    told: [
      `${whose}, ${note}: subtotal is "0.50", it should be "0.84"`,
      `${whose}, ${note}: tax is "0.50", it should be "0.16"`,
    ],
  },
  'a credit of another amount': {
    does: `UPDATE credit_note SET total = 0.90; UPDATE invoice SET credited = 0.90 WHERE number = '${first}'`,
    told: [`${whose}, ${note}: total is "1.00", it should be "0.90"`],
  },
  'a credit by hand that is gone': {
    does: `DELETE FROM credit_note; UPDATE invoice SET credited = 0 WHERE number = '${first}'`,
    told: [
      `${whose}: step 3 is of a document that is not there`,
      `${whose}, ${fourth}: has 3 lines where 2 belong`,
    ],
  },
  'a credit by hand that is said to be a correction': {
    does: `UPDATE credit_note SET through_seq = (SELECT through_seq FROM invoice WHERE number = '${second}')`,
    told: [`${whose}, ${note}: credits what is nothing to be credited`],
  },
  'a correction is taxed like the invoice that it stands on': {
    does: `UPDATE invoice SET document = ${json('{issued,lines,1,tax_rate}', '"7"')} WHERE number = '${third}'`,
    told: [`${whose}, ${third}: line 2: tax_rate is "7", it should be "19"`],
  },
  'taxes that fit nothing': {
    does: `UPDATE invoice SET document = ${json('{issued,taxes,1,tax}', '"0.07"')} WHERE number = '${third}'`,
    told: [`${whose}, ${third}: taxes is .*"tax":"0.07".*`],
  },
  'what was asked for an earlier period is said to be less': {
    does: `UPDATE invoice SET document = ${json('{basis,billed,1,amount}', '"0.20"')} WHERE number = '${third}'`,
    told: [`${whose}, ${third}: basis is .*`],
  },
  'steps that nobody took': {
    does: 'UPDATE billing_position SET steps = steps + 1',
    told: [`${whose}: 8 steps of its documents were taken, 7 are there`],
  },
  'an invoice without a step': {
    does: `DELETE FROM document_step WHERE no = 7; UPDATE billing_position SET steps = 6`,
    told: [`${whose}, ${rows[4]!.number}: has no step at which it was issued`],
  },
}

for (const [what, tampering] of Object.entries(TAMPERED)) {
  test(`who owns the database is found out: ${what}`, () => assertFoundOut(node, tampering))
}

test('steps stay as they are, whatever this program does', async () => {
  for (const statement of ['UPDATE document_step SET no = no + 100', 'DELETE FROM document_step']) {
    await assert.rejects(pool.query(statement), /what was issued does not change/)
  }
})

test('what was issued before there were steps is verified by the rules of its time', async () => {
  const client = await pool.connect()
  try {
    await client.query(`SET session_replication_role = 'replica'`)
    // As the program before left it: nothing went by voids and credits, nor said what it went by.
    await client.query(`DELETE FROM invoice WHERE period_start >= '2025-03-01Z'`)
    await client.query(`UPDATE document_number SET last_no = 2 WHERE series = 'TEST-INV'`)
    await client.query(`UPDATE billing_position SET open_from = '2025-03-01Z'`)
    await client.query(`UPDATE late_entry SET settled_by = CASE WHEN seq <= (
        SELECT through_seq FROM invoice WHERE invoice_id = '${february}') THEN '${february}' END`)
    // Nor did invoices leave anything over.
    await client.query('DELETE FROM customer_credit_move; DELETE FROM customer_credit')
    const old = `(document::jsonb #- '{no}' #- '{issued,taxes}')::json`
    await client.query(`UPDATE invoice SET document = ${old}`)
    await client.query(`UPDATE credit_note SET document = ${old}`)
    // 7 % of 0.50 and 0.30 are 0.056.
    await client.query(`UPDATE invoice SET total = 0.86, document = jsonb_set(jsonb_set(jsonb_set(
        document::jsonb, '{issued,lines,1,tax_rate}', '"7"'), '{issued,tax}', '"0.06"'),
        '{issued,total}', '"0.86"')::json
      WHERE number = '${second}'`)
    await client.query('DROP TABLE document_step')
    await client.query('ALTER TABLE billing_position DROP COLUMN steps')
    await client.query(`DELETE FROM migration WHERE name LIKE '0007%'`)
  } finally {
    client.release(true)
  }
  await migrate(pool)
  assert.deepEqual(await differences(), [])
  const { body } = await node.admin('GET', `/api/billing/invoices/${february}`)
  assert.deepEqual(body.taxes, [{ tax_rate: '7', subtotal: '0.80', tax: '0.06' }])
  const { rows: steps } = await pool.query<{ kind: string }>(
    'SELECT kind FROM document_step ORDER BY no',
  )
  assert.deepEqual(
    steps.map(({ kind }) => kind),
    ['invoice', 'invoice', 'credit_note', 'void'],
  )
  // What was void and credited before is looked at with the first invoice after it: four calls are left
  // of January, 0.40, but 0.84 net were credited. 1.00 was asked by what is not void.
  await billed.move(tenant, '2025-06-02T00:00:00Z')
  const reply = await node.call('GET', '/api/billing/credit-notes', tenant.key)
  const [note] = expectStatus(reply, 200).body.data
  const amounts = note.lines.map(({ amount }: { amount: string }) => amount)
  // 19 % of 0.16 are 0.0304.
  assert.deepEqual([amounts, note.tax, note.total], [['0.60', '-0.44'], '0.03', '0.19'])
  assert.deepEqual(await differences(), [])
})

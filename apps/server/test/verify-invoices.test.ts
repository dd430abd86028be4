import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { runTollgate } from './api-process.ts'
import { testDatabase } from './database.ts'
import { expectStatus, nodeOn } from './node.ts'
import { assertFoundOut, json, type Tampering } from './tampering.ts'

const database = await testDatabase()
const node = await nodeOn(database)
const { pool } = node.server
const service = await node.service('document-api')
after(async () => {
  await node.stop()
  await database.drop()
})
const env = { DATABASE_URL: database.url }

/** Two invoices, the second with a correction, on a clock of the tenant's own. */
async function billedTenant() {
  const tenant = await node.tenant({ plan: 'pro', test_clock: '2025-01-01T00:00:00Z' })
  const calls = async (count: number, more: object = {}) => {
    const event = { tenant_id: tenant.id, endpoint: '/convert', method: 'POST', ...more }
    const events = Array.from({ length: count }, () => event)
    expectStatus(await node.call('POST', '/api/track', service.key, events), 200)
  }
  const moveTo = async (now: string) => {
    const path = `/api/admin/tenants/${tenant.id}/clock`
    expectStatus(await node.admin('POST', path, { now }), 200)
  }
  await calls(10)
  await moveTo('2025-02-01T00:00:00Z')
  await calls(3, { timestamp: '2025-01-20T00:00:00Z' })
  await calls(5)
  await moveTo('2025-03-01T00:00:00Z')
  await calls(1)
  expectStatus(await node.call('GET', '/api/billing/upcoming', tenant.key), 200)
}

await billedTenant()
const { rows } = await pool.query<{ number: string; tenant_no: number }>(
  'SELECT number, tenant_no FROM invoice ORDER BY period_start',
)
const [first, second] = rows as [(typeof rows)[0], (typeof rows)[0]]
const whose = `tenant number ${first.tenant_no}`

test('every invoice is worked out again, and so is what was measured; without --invoices none is', async (t) => {
  const { code, out } = await runTollgate(t, ['verify', '--invoices'], env)
  assert.equal(code, 0, out)
  const counts = '2 invoices and 0 credit notes of 1 tenants worked out again, 0 differences'
  assert.match(out, new RegExp(`^${counts}$`, 'm'))
  const plain = await runTollgate(t, ['verify'], env)
  assert.equal(plain.code, 0, plain.out)
  assert.doesNotMatch(plain.out, /worked out again/)
})

const TAMPERED: Record<string, Tampering> = {
  'another amount of a line': {
    does: `UPDATE invoice SET document = ${json('{issued,lines,0,amount}', '"0.90"')} WHERE number = '${first.number}'`,
    told: [`${whose}, ${first.number}: line 1: amount is "0.90", it should be "1.00"`],
  },
  'another total, in the row alone': {
    does: `UPDATE invoice SET total = 0.99 WHERE number = '${first.number}'`,
    told: [`${whose}, ${first.number}: row_total is "0.99", it should be "1.00"`],
  },
  'another line with totals that fit it': {
    does: `UPDATE invoice SET total = 0.30, document = jsonb_set(${json('{issued,lines,1,amount}', '"-0.20"')}::jsonb, '{issued,total}', '"0.30"')::json WHERE number = '${second.number}'`,
    told: [
      `${whose}, ${second.number}: line 2: amount is "-0.20", it should be "0.30"`,
      `${whose}, ${second.number}: total is "0.30", it should be "0.80"`,
    ],
  },
  'a correction that is left out': {
    does: `UPDATE invoice SET document = (document::jsonb #- '{issued,lines,1}')::json WHERE number = '${second.number}'`,
    told: [`${whose}, ${second.number}: has 1 lines where 2 belong`],
  },
  'another count of entries of a line': {
    does: `UPDATE invoice SET document = ${json('{issued,lines,0,entries,count}', '9')} WHERE number = '${first.number}'`,
    told: [
      `${whose}, ${first.number}: line 1: entries is .*"count":9.* it should be .*"count":10.*`,
    ],
  },
  'an invoice that is gone': {
    does: `DELETE FROM invoice WHERE number = '${first.number}'`,
    told: [
      `${whose}, period from 2025-01-01T00:00:00Z: is closed, and has no invoice`,
      'series TEST-INV: 1 documents are numbered from 2 to 2, but 2 numbers were taken',
    ],
  },
  'a number that another invoice has': {
    does: `UPDATE invoice SET number = '${first.number}' WHERE number = '${second.number}'`,
    told: ['series TEST-INV: 2 documents have 1 numbers'],
  },
  'less measured': {
    does: `UPDATE billed_usage SET quantity = quantity - 1 WHERE period_start = '2025-02-01Z' AND meter = 'units'`,
    told: [
      `${whose}, period from 2025-02-01T00:00:00Z: units on plan version number \\d+: quantity is 4, the log makes it 5`,
    ],
  },
  'nothing measured': {
    does: `DELETE FROM billed_usage WHERE period_start = '2025-03-01Z'`,
    told: [`${whose}, period from 2025-03-01T00:00:00Z: units .* is not kept, the log has 1`],
  },
  'more credited': {
    does: `UPDATE invoice SET credited = 0.5 WHERE number = '${first.number}'`,
    told: [`${whose}, ${first.number}: credited is 0.5, its credit notes come to 0`],
  },
  'a fold that is beyond the log': {
    does: 'UPDATE billing_position SET folded_seq = folded_seq + 7',
    told: [`${whose}: is folded up to line \\d+, the log ends at \\d+`],
  },
  'a position that is set back': {
    does: `UPDATE billing_position SET open_from = '2025-02-01Z'`,
    told: [`${whose}, ${second.number}: is of a period that is not closed`],
  },
  'a position that is set forward': {
    does: `UPDATE billing_position SET open_from = '2025-04-01Z'`,
    told: [`${whose}, period from 2025-03-01T00:00:00Z: is closed, and has no invoice`],
  },
  'another period of an invoice': {
    does: `UPDATE invoice SET period_start = '2025-01-02Z' WHERE number = '${first.number}'`,
    told: [`${whose}, ${first.number}: is of a period that the tenant never had`],
  },
  'late lines that are settled by nothing': {
    does: `UPDATE late_entry SET settled_by = 'inv_none'`,
    told: [`${whose}: line \\d+ came late and is settled by a document that is not there`],
  },
  'a call in the log that was more': {
    does: `UPDATE entry SET quantity = 4000000 WHERE kind = 3 AND seq = 3`,
    told: [`${whose}, ${first.number}: line 1: amount is "1.00", it should be "1.30"`],
  },
}

for (const [what, tampering] of Object.entries(TAMPERED)) {
  test(`who owns the database is found out: ${what}`, () => assertFoundOut(node, tampering))
}

test('what differs is told line by line, and the exit code is 1', async (t) => {
  const change = (to: string) =>
    pool.query(
      `UPDATE billed_usage SET quantity = quantity ${to} WHERE period_start = '2025-02-01Z'`,
    )
  await change('+ 1')
  const { code, out } = await runTollgate(t, ['verify', '--invoices'], env)
  await change('- 1')
  assert.equal(code, 1)
  assert.match(out, new RegExp(`^${whose}, period from 2025-02-01T00:00:00Z: units .* is 6, `, 'm'))
  assert.match(out, /worked out again, \d+ differences$/m)
})

test('all is as it was after the tests above', async (t) => {
  const { code, out } = await runTollgate(t, ['verify', '--invoices'], env)
  assert.equal(code, 0, out)
})

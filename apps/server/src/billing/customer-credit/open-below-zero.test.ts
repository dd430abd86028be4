import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { testDatabase } from '../../../test/database.ts'
import { createPool } from '../../db/pool.ts'
import { migrate } from '../../db/migrate.ts'

const MIGRATION = new URL('../../../migrations/0011_customer_credit.sql', import.meta.url)
const database = await testDatabase()
const pool = createPool(database.url, () => {})
after(async () => {
  await pool.end()
  await database.drop()
})

test('invoices that were open below zero become credit; those that somebody settled stay as they are', async () => {
  await migrate(pool)
  await pool.query(`DROP TABLE customer_credit_move, customer_credit;
    ALTER TABLE invoice DROP COLUMN credit_applied CASCADE`)
  const all: [tenantNo: number, month: number, total: string, status: string][] = [
    [1, 1, '5.00', 'open'],
    [1, 2, '-3.00', 'open'],
    [1, 3, '-0.50', 'open'],
    [2, 1, '-7.00', 'paid'],
    [2, 2, '-2.25', 'open'],
    [3, 1, '-1.00', 'void'],
  ]
  for (const [tenantNo, month, total, status] of all) {
    const start = `2025-0${month}-01Z`
    await pool.query(
      `INSERT INTO invoice (tenant_no, invoice_id, number, period_start, period_end, issued_at,
         due_at, currency, total, through_seq, document, status, paid_at)
       VALUES ($1, $2, $2, $3, $3, $3, $3, 'USD', $4, 1, '{}', $5, $6)`,
      [tenantNo, `i${month}`, start, total, status, status === 'paid' ? start : null],
    )
  }
  await pool.query(await readFile(MIGRATION, 'utf8'))
  const moves = await pool.query(
    `SELECT tenant_no, no, kind, invoice_id, amount::text FROM customer_credit_move
     ORDER BY tenant_no, no`,
  )
  assert.deepEqual(
    moves.rows.map((row) => Object.values(row)),
    [
      [1, 1, 'left_over', 'i2', '3.00'],
      [1, 2, 'left_over', 'i3', '0.50'],
      [2, 1, 'left_over', 'i2', '2.25'],
    ],
  )
  const { rows } = await pool.query(
    'SELECT tenant_no, balance::text, last_no FROM customer_credit ORDER BY tenant_no',
  )
  assert.deepEqual(
    rows.map((row) => Object.values(row)),
    [
      [1, '3.50', 2],
      [2, '2.25', 1],
    ],
  )
  const states = await pool.query('SELECT status FROM invoice ORDER BY tenant_no, period_start')
  assert.deepEqual(
    states.rows.map(({ status }) => status),
    ['open', 'paid', 'paid', 'paid', 'paid', 'void'],
  )
})

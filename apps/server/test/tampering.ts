import assert from 'node:assert/strict'
import { differenceText, verifyInvoices } from '../src/billing/verify/verify-invoices.ts'
import type { TestNode } from './node.ts'

/** What somebody does who owns the database, and how it is told, as patterns of whole lines. */
export type Tampering = { does: string; told: string[] }

const TABLES = [
  'invoice',
  'credit_note',
  'document_step',
  'billed_usage',
  'billing_position',
  'late_entry',
  'entry',
]

/** The column `document` with another value at a path. */
export function json(path: string, value: string): string {
  return `jsonb_set(document::jsonb, '${path}', '${value}')::json`
}

/** Does it, verifies, and undoes it. */
export async function assertFoundOut(
  { server: { pool, catalog } }: TestNode,
  { does, told }: Tampering,
): Promise<void> {
  const client = await pool.connect()
  try {
    // Triggers are for this program; who owns the database passes them by.
    await client.query(`SET session_replication_role = 'replica'`)
    for (const table of TABLES) {
      await client.query(`CREATE TEMP TABLE kept_${table} AS SELECT * FROM ${table}`)
    }
    for (const statement of does.split(';')) {
      const { rowCount } = await client.query(statement)
      assert.ok(rowCount! > 0, statement)
    }
    const { differences } = await verifyInvoices(client, catalog)
    const out = differences.map(differenceText).join('\n')
    for (const line of told) assert.match(out, new RegExp(`^${line}$`, 'm'))
  } finally {
    for (const table of TABLES) {
      await client.query(`DELETE FROM ${table}`)
      await client.query(`INSERT INTO ${table} SELECT * FROM kept_${table}`)
    }
    client.release(true)
  }
}

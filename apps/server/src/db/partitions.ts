import type pg from 'pg'
import { PARTITIONS_AHEAD_MONTHS } from '../limits.ts'
import { inTransaction } from './pool.ts'

/** Any number that nobody else uses: nodes that start together must not make a partition twice. */
const PARTITION_LOCK = 7_055_217_004

/**
 * Makes the monthly partitions of the log from the month of `now` on, those that are missing.
 * A month whose lines already went to the default partition stays there.
 */
export async function ensurePartitions(pool: pg.Pool, now: number): Promise<void> {
  for (let ahead = 0; ahead <= PARTITIONS_AHEAD_MONTHS; ahead += 1) {
    await inTransaction(pool, async (client) => {
      await client.query('SELECT pg_advisory_xact_lock($1)', [PARTITION_LOCK])
      await ensureMonth(client, monthAfter(now, ahead))
    })
  }
}

async function ensureMonth(client: pg.PoolClient, month: Date): Promise<void> {
  const name = `entry_${month.toISOString().slice(0, 7).replace('-', '_')}`
  const { rows } = await client.query<{ found: string | null }>('SELECT to_regclass($1) AS found', [
    name,
  ])
  if (rows[0]?.found !== null) return
  const [from, to] = [month, monthAfter(month.getTime(), 1)].map((date) => date.toISOString())
  const taken = await client.query(
    'SELECT FROM entry_default WHERE recorded_at >= $1 AND recorded_at < $2 LIMIT 1',
    [from, to],
  )
  if (taken.rows.length > 0) return
  await client.query(
    `CREATE TABLE ${name} PARTITION OF entry FOR VALUES FROM ('${from}') TO ('${to}')`,
  )
  await client.query(`ALTER TABLE ${name} ADD PRIMARY KEY (tenant_no, seq)`)
}

function monthAfter(at: number, months: number): Date {
  const date = new Date(at)
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1))
}

import { once } from 'node:events'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { UUID_PLACE, UuidWriter } from '../load/uuid.ts'

/** COPY of the rows that a batch of events leaves, into a table with the same unique key. */
export type CopyOrder = {
  table: string
  /** Rows of one COPY, each committed by itself. */
  rowsPerCopy: number
  copies: number
  tenants: number
}

type Setup = { databaseUrl: string; tables: string[] }

/** Rows written to the socket in one piece. */
const ROWS_PER_CHUNK = 1_000
const FIRST_TENANT = 1_000_000
const uuids = new UuidWriter()

process.once('message', async (setup: Setup) => {
  const client = new pg.Client({ connectionString: setup.databaseUrl })
  await client.connect()
  for (const table of setup.tables) await client.query(schemaOf(table))
  process.on('message', async (order: CopyOrder) => {
    const startedMs = performance.now()
    for (let i = 0; i < order.copies; i++) await copyOnce(client, order)
    const seconds = (performance.now() - startedMs) / 1_000
    process.send?.({ rowsPerSecond: (order.copies * order.rowsPerCopy) / seconds })
  })
  process.send?.({ ready: true })
})
process.once('disconnect', () => process.exit())

function schemaOf(table: string): string {
  return `CREATE TABLE ${table} (
    recorded_at timestamptz NOT NULL DEFAULT now(), credits bigint NOT NULL, key uuid NOT NULL,
    tenant_no integer NOT NULL, service text NOT NULL, endpoint text NOT NULL,
    method text NOT NULL, PRIMARY KEY (tenant_no, key))`
}

async function copyOnce(client: pg.Client, order: CopyOrder): Promise<void> {
  const columns = 'tenant_no, key, service, endpoint, method, credits'
  const stream = client.query(copyFrom(`COPY ${order.table} (${columns}) FROM STDIN`))
  const finished = once(stream, 'finish')
  for (let sent = 0; sent < order.rowsPerCopy; sent += ROWS_PER_CHUNK) {
    const rows = Math.min(ROWS_PER_CHUNK, order.rowsPerCopy - sent)
    if (!stream.write(chunkOf(rows, order.tenants))) await once(stream, 'drain')
  }
  stream.end()
  await finished
}

/** Rows of random tenants with new keys, as text. A new buffer each time: the last may not be sent yet. */
function chunkOf(rows: number, tenants: number): Buffer {
  const row = `${FIRST_TENANT}\t${UUID_PLACE}\tbench-api\t/convert\tPOST\t1000000\n`
  const keyAt = String(FIRST_TENANT).length + 1
  const chunk = Buffer.from(row.repeat(rows), 'latin1')
  const nowMs = Date.now()
  for (let i = 0; i < rows; i++) {
    const start = i * row.length
    chunk.write(String(FIRST_TENANT + Math.floor(Math.random() * tenants)), start, 'latin1')
    uuids.write(chunk, start + keyAt, nowMs)
  }
  return chunk
}

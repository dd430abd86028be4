import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'

/**
 * How tracking is usually written: one transaction per call that locks the tenant's account, checks,
 * inserts the key and the entry, updates the account and commits.
 */
const CONNECTIONS = 20
const CREDITS_EACH = 1_000_000_000_000
const SCHEMA = `
  CREATE TABLE account (tenant_id text PRIMARY KEY, last_seq bigint NOT NULL,
    used bigint NOT NULL, credits bigint NOT NULL) WITH (fillfactor = 40);
  CREATE TABLE event_key (tenant_id text NOT NULL, key uuid NOT NULL, seq bigint NOT NULL,
    PRIMARY KEY (tenant_id, key));
  CREATE TABLE entry (tenant_id text NOT NULL, seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(), service text NOT NULL, endpoint text NOT NULL,
    method text NOT NULL, credits bigint NOT NULL, PRIMARY KEY (tenant_id, seq));
`

type Event = {
  idempotency_key: string
  tenant_id: string
  service_name: string
  endpoint: string
  method: string
  credits_used: number
}

process.once('message', async (setup: { databaseUrl: string; tenantIds: string[] }) => {
  const pool = new pg.Pool({ connectionString: setup.databaseUrl, max: CONNECTIONS })
  await pool.query(SCHEMA)
  await pool.query('INSERT INTO account SELECT id, 0, 0, $2 FROM unnest($1::text[]) AS id', [
    setup.tenantIds,
    CREDITS_EACH,
  ])
  serve(pool)
})
process.once('disconnect', () => process.exit())

function serve(pool: pg.Pool): void {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      try {
        const answer = await track(pool, JSON.parse(Buffer.concat(chunks).toString('utf8')))
        reply(200, answer)
      } catch (error) {
        reply(500, { error: (error as Error).message })
      }
    })
    const reply = (status: number, answer: object): void => {
      const body = JSON.stringify(answer)
      const length = Buffer.byteLength(body)
      response.writeHead(status, { 'content-type': 'application/json', 'content-length': length })
      response.end(body)
    }
  })
  server.listen(0, '127.0.0.1', () => {
    process.send?.({ port: (server.address() as AddressInfo).port })
  })
}

async function track(pool: pg.Pool, event: Event): Promise<object> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    const { rows } = await client.query<{ last_seq: string; credits: string }>({
      name: 'lock',
      text: 'SELECT last_seq, credits FROM account WHERE tenant_id = $1 FOR UPDATE',
      values: [event.tenant_id],
    })
    const account = rows[0]
    if (account === undefined) throw new Error('unknown tenant')
    if (Number(account.credits) < event.credits_used) {
      await client.query('ROLLBACK')
      return { decision: 'denied', reason: 'insufficient_credits' }
    }
    const seq = Number(account.last_seq) + 1
    await client.query({
      name: 'key',
      text: 'INSERT INTO event_key (tenant_id, key, seq) VALUES ($1, $2, $3)',
      values: [event.tenant_id, event.idempotency_key, seq],
    })
    await client.query({
      name: 'entry',
      text: `INSERT INTO entry (tenant_id, seq, service, endpoint, method, credits)
             VALUES ($1, $2, $3, $4, $5, $6)`,
      values: [
        event.tenant_id,
        seq,
        event.service_name,
        event.endpoint,
        event.method,
        event.credits_used,
      ],
    })
    await client.query({
      name: 'account',
      text: `UPDATE account SET last_seq = $2, used = used + 1, credits = credits - $3
             WHERE tenant_id = $1`,
      values: [event.tenant_id, seq, event.credits_used],
    })
    await client.query('COMMIT')
    return { seq, decision: 'allowed', reason: null }
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
}

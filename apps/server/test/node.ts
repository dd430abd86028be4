import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { ensureOperatorKey } from '../src/access/keys.ts'
import type { StreamPatience } from '../src/analytics/stream/live-stream.ts'
import { type Clock, systemClock } from '../src/lib/clock.ts'
import type { Settings } from '../src/lib/settings.ts'
import { buildServer, type Server } from '../src/server.ts'
import { type TestDatabase, testDatabase } from './database.ts'

export { handClock } from './hand-clock.ts'

export type Reply = {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a reply is whatever the server says; tests look into it.
  body: any
}

/** A Tollgate that listens on a port of its own, as `main` starts it. */
export type TestNode = {
  server: Server
  url: string
  operatorKey: string
  call(method: string, path: string, key: string | null, body?: unknown): Promise<Reply>
  /** As the operator. */
  admin(method: string, path: string, body?: unknown): Promise<Reply>
  /** A tenant with a key. */
  tenant(more?: Record<string, unknown>): Promise<{ id: string; key: string }>
  /** A service with its key. */
  service(name?: string): Promise<{ name: string; key: string }>
  stop(): Promise<void>
}

export const OPERATOR_KEY = 'operator-key-of-the-tests-0123456789'
const DEFAULT_CATALOG = fileURLToPath(new URL('../../../catalogs/default.yaml', import.meta.url))

/** What a node is started with other than usual. */
export type NodeOptions = Partial<Settings> & {
  clock?: Clock
  /** Whether it does jobs, as e-mails. */
  jobs?: boolean
  streamPatience?: Partial<StreamPatience>
  /** By which it forgets who a key belongs to. */
  cacheClock?: Clock
}

/** As `main` has them by default, but for the limits that tests would run into. */
export function testSettings(more: Partial<Settings> = {}): Settings {
  return {
    dataDir: more.dataDir ?? join(tmpdir(), `tollgate-test-${process.pid}`),
    seller: more.seller ?? { name: 'Tollgate', address: [], email: null, tax_id: null },
    catalogFile: more.catalogFile ?? DEFAULT_CATALOG,
    archiveDir: more.archiveDir ?? null,
    publicUrl: more.publicUrl ?? null,
    redis: more.redis ?? null,
    smtpUrl: more.smtpUrl ?? null,
    stripe: more.stripe ?? null,
    mailFrom: more.mailFrom ?? 'Tollgate <tollgate@localhost>',
    corsOrigins: more.corsOrigins ?? [],
    trustedProxies: more.trustedProxies ?? [],
    requestsPerKey: more.requestsPerKey ?? 0,
    requestsPerAddress: more.requestsPerAddress ?? 0,
  }
}

/** A node on a database of its own; `stop` removes both. */
export async function testNode(options: NodeOptions = {}): Promise<TestNode> {
  const database = await testDatabase()
  const node = await nodeOn(database, options)
  return { ...node, stop: () => node.stop().finally(() => database.drop()) }
}

/** One more node on a database that exists; `stop` leaves the database. */
export async function nodeOn(
  { url: databaseUrl }: Pick<TestDatabase, 'url'>,
  options: NodeOptions = {},
): Promise<TestNode> {
  const server = await buildServer({
    databaseUrl,
    clock: options.clock ?? systemClock,
    log: pino({ level: process.env.TEST_LOG ?? 'silent' }),
    settings: testSettings(options),
    jobs: options.jobs ?? false,
    streamPatience: options.streamPatience,
    cacheClock: options.cacheClock,
  })
  await ensureOperatorKey(server.pool, OPERATOR_KEY)
  const url = await server.app.listen({ host: '127.0.0.1', port: 0 })
  const call: TestNode['call'] = (method, path, key, body) => request(url, method, path, key, body)
  const admin: TestNode['admin'] = (method, path, body) => call(method, path, OPERATOR_KEY, body)
  let made = 0
  return {
    server,
    url,
    operatorKey: OPERATOR_KEY,
    call,
    admin,
    async tenant(more = {}) {
      made += 1
      const wanted = { name: `Tenant ${made}`, email: `t${made}@example.com`, plan: 'pro', ...more }
      const tenant = expectStatus(await admin('POST', '/api/admin/tenants', wanted), 201)
      const id: string = tenant.body.tenant_id
      const key = expectStatus(await admin('POST', `/api/admin/tenants/${id}/keys`), 201)
      return { id, key: key.body.key }
    },
    async service(given) {
      made += 1
      const name = given ?? `service-${made}`
      const reply = expectStatus(await admin('POST', '/api/admin/services', { name }), 201)
      return { name, key: reply.body.key }
    },
    stop: () => server.stop(),
  }
}

async function request(
  url: string,
  method: string,
  path: string,
  key: string | null,
  body?: unknown,
): Promise<Reply> {
  const reply = await fetch(url + path, {
    method,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await reply.text()
  const json = /json/.test(reply.headers.get('content-type') ?? '')
  return { status: reply.status, headers: reply.headers, body: json ? JSON.parse(text) : text }
}

export function expectStatus(reply: Reply, status: number): Reply {
  if (reply.status === status) return reply
  throw new Error(`expected ${status}, got ${reply.status}: ${JSON.stringify(reply.body)}`)
}

import assert from 'node:assert/strict'
import { glob, readFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import type pg from 'pg'
import { testDatabase } from '../../test/database.ts'
import { newAccount } from '../../test/ledger-accounts.ts'
import { createPool } from './pool.ts'

/** What each statement is run with. A statement that is new must be added here. */
const STATEMENTS: Record<string, Record<string, readonly unknown[]>> = {
  access: {
    readActiveKey: [Buffer.alloc(32)],
    insertKey: [{ keyId: 'k', kind: 'operator', keyHash: Buffer.alloc(32, 1), hint: '…' }],
    revokeKey: ['k'],
    revokeOtherOperatorKeys: [Buffer.alloc(32, 1)],
    restoreOperatorKey: [Buffer.alloc(32, 1)],
    hasOperatorKey: [],
    readTenantKeys: [1],
    readServiceKeys: [1],
    readService: ['s'],
    readKeyIds: [[1, 2]],
    insertTenant: [{ tenantId: 't', name: 'T', email: 't@example.com' }],
    readTenant: ['t'],
    readTenants: [0, 10],
    updateTenant: [1, { name: 'U' }],
    insertService: [{ name: 's', trustReported: true }],
    readServices: [],
  },
  catalog: {
    lockCatalog: [],
    readPlanVersion: [1],
    readLatestPlanVersions: [],
    readLatestRules: [],
    readCatalogMark: [],
    readServices: [],
    insertPlanVersion: ['p', 1, {}],
    insertRules: [1, {}],
  },
  ledger: {
    writeBatch: [{ accounts: [], lines: [] }],
    readAccounts: [[1]],
    lockAccounts: [[1]],
    insertAccount: [newAccount('open')],
    readKnownKeys: [[{ tenantNo: 1, key: 'k'.repeat(16) }]],
    readEntry: [1, 1],
    readEntriesBackward: [1, null, 10],
    readEntriesForward: [1, 0, 10],
    readKeyCounts: [1],
    readLogs: [],
  },
}

const ROOMS = new URL('../', import.meta.url)
const database = await testDatabase()
const pool = createPool(database.url, () => {})
after(async () => {
  await pool.end()
  await database.drop()
})

test('every room with statements is in the table above', async () => {
  const rooms: string[] = []
  for await (const path of glob('*/store.ts', { cwd: ROOMS })) rooms.push(path.split(/[\\/]/)[0]!)
  assert.deepEqual(rooms.sort(), Object.keys(STATEMENTS))
})

test('no two locks of this program have the same number', async () => {
  const locks: string[] = []
  for await (const path of glob('**/*.ts', { cwd: ROOMS })) {
    const text = await readFile(new URL(path, ROOMS), 'utf8')
    locks.push(...[...text.matchAll(/^const \w+_LOCK = ([\d_]+)$/gm)].map(([, number]) => number!))
  }
  assert.ok(locks.length >= 4)
  assert.equal(new Set(locks).size, locks.length, locks.join(', '))
})

for (const [room, statements] of Object.entries(STATEMENTS)) {
  test(`every statement of ${room} runs on the schema, and gives the columns that its row type names`, async () => {
    const { functions, types } = await declarations(room)
    const module = (await import(new URL(`${room}/store.ts`, ROOMS).href)) as Record<
      string,
      (...args: unknown[]) => unknown
    >
    const exported = Object.keys(module).filter((name) => typeof module[name] === 'function')
    assert.deepEqual(Object.keys(statements).sort(), exported.sort())
    for (const [name, args] of Object.entries(statements)) {
      const results: pg.QueryResult[] = []
      await module[name]!(recorder(results), ...args)
      assert.equal(results.length, 1, `${name} runs one statement`)
      const claimed = functions.get(name)!
      if (claimed !== null) {
        assert.deepEqual(columnsOf(results[0]!), sorted(membersOf(claimed, types)), name)
      }
    }
  })
}

function recorder(results: pg.QueryResult[]): Pick<pg.Pool, 'query'> {
  const query = async (...args: Parameters<typeof pool.query>) => {
    const result = (await pool.query(...args)) as unknown as pg.QueryResult
    results.push(result)
    return result
  }
  return { query } as unknown as Pick<pg.Pool, 'query'>
}

type Declarations = {
  /** By function, the row type of its statement as it is written; null: none. */
  functions: Map<string, string | null>
  types: Map<string, string>
}

async function declarations(room: string): Promise<Declarations> {
  const store = await readFile(new URL(`${room}/store.ts`, ROOMS), 'utf8')
  const rows = await readFile(new URL('ledger/entry-row.ts', ROOMS), 'utf8')
  const functions = new Map<string, string | null>()
  for (const [, name, body] of store.matchAll(/^export async function (\w+)([\s\S]*?)^}/gm)) {
    functions.set(name!, /\.query<([\s\S]*?)>\(/.exec(body!)?.[1] ?? null)
  }
  const types = new Map<string, string>()
  for (const [, name, members] of (store + rows).matchAll(/type (\w+) = (\{[\s\S]*?\})/g)) {
    types.set(name!, members!)
  }
  return { functions, types }
}

type Column = `${string}: ${string}`

/** `EntryRow & { key: string }` as its members, each with the type that the driver must give. */
function membersOf(type: string, types: Map<string, string>): Column[] {
  return type.split('&').flatMap((part) => {
    const text = types.get(part.trim()) ?? part
    return [...text.matchAll(/(\w+): ([^;\n}]+)/g)].map(
      ([, name, written]): Column => `${name}: ${driverType(written!.trim())}`,
    )
  })
}

function driverType(written: string): string {
  const type = written.replace(' | null', '')
  if (['bigint', 'number', 'boolean', 'Buffer'].includes(type)) return type
  return type === 'unknown' || type.startsWith('Record') ? 'json' : 'string'
}

const DRIVER_TYPE_BY_OID: Record<number, string> = {
  16: 'boolean',
  17: 'Buffer',
  20: 'bigint',
  21: 'number',
  23: 'number',
  25: 'string',
  114: 'json',
  1184: 'number',
  1700: 'string',
  2205: 'string',
  2950: 'string',
}

function columnsOf({ fields }: pg.QueryResult): Column[] {
  return sorted(
    fields.map(({ name, dataTypeID }): Column => `${name}: ${DRIVER_TYPE_BY_OID[dataTypeID]}`),
  )
}

function sorted(columns: Column[]): Column[] {
  return columns.sort()
}

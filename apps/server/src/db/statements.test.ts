import assert from 'node:assert/strict'
import { glob, readFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import type pg from 'pg'
import { ALERT_STATEMENTS } from '../../test/alert-statements.ts'
import { testDatabase } from '../../test/database.ts'
import { ANY_INVOICE, BILLING_STATEMENTS } from '../../test/billing-statements.ts'
import { newAccount } from '../../test/ledger-accounts.ts'
import { PARTITION_OF_A_TEST, RETENTION_STATEMENTS } from '../../test/retention-statements.ts'
import { insertInvoice } from '../billing/invoices/store.ts'
import { lockPosition } from '../billing/usage/store.ts'
import { createPool } from './pool.ts'

const AUDIT_LINE = {
  tenantNo: 0,
  seq: 1n,
  recordedAt: '0.000000',
  actorKind: 'system',
  actorId: null,
  action: 'a',
  objectKind: 'o',
  objectId: null,
  address: null,
  requestId: null,
  before: null,
  after: '{}',
  logSeq: 1n,
}
const STRETCHES = { tenantNo: 1, starts: [0, 3_600_000] }
const LOG_STRETCH = { after: 0, through: 1, since: 0 }
const FILTERED = { ...STRETCHES, dimension: 'property', property: 'p', valuesMax: 2 }
const ANY_FILTER = {
  dimensions: new Map([['status', new Set(['failure'])]]),
  properties: new Map([['p', new Set(['v'])]]),
  senderNos: [1, -1],
}
const ROLLUPS_AT = { generation: 0, foldedSeq: 0, byDay: true }
const PLACEMENT = { timeZone: 'UTC', hourZone: 'UTC', properties: ['p'] }
const ASKED = { dimensions: [0], property: 'p' }
const POSITION = { tenantNo: 1, generation: 0, ...PLACEMENT, foldedSeq: 0 }
const ANY_LINE = { actorId: null, action: null, objectId: null }

/** What each statement is run with. A statement that is new must be added here. */
const STATEMENTS: Record<string, Record<string, readonly unknown[]>> = {
  access: {
    readActiveKey: [Buffer.alloc(32), 0],
    writeLastUsed: [[1], [0]],
    insertKey: [{ keyId: 'k', kind: 'operator', keyHash: Buffer.alloc(32, 1), hint: '…' }],
    revokeKeyOfService: ['k'],
    revokeOtherOperatorKeys: [Buffer.alloc(32, 1)],
    restoreOperatorKey: [Buffer.alloc(32, 1)],
    hasOperatorKey: [],
    readServiceKeys: [1],
    readService: ['s'],
    readSenderNames: [[1, -2]],
    readKnowsTimeZone: ['Europe/Berlin'],
    insertTenant: [{ tenantId: 't', name: 'T', email: 't@example.com' }],
    readTenant: ['t'],
    readTenants: [0, 10],
    updateTenant: [1, { name: 'U' }],
    insertService: [{ name: 's', trustReported: true }],
    readServices: [],
  },
  'access/audit': {
    lockHead: [0, Buffer.alloc(32)],
    insertLine: [AUDIT_LINE, new Date(0), Buffer.alloc(32)],
    readChainBackward: [0, ANY_LINE, null, 10],
    readAuditBackward: [ANY_LINE, null, 10],
    readHeads: [],
    readChainForward: [0, null, 10],
    readHash: [0, 1n],
  },
  'access/members': {
    lockSide: [null],
    readMembers: [1],
    readMember: [1, 'm'],
    readOwnersToTell: [1],
    isMember: [1, 'm@example.com'],
    countMembersWithRole: [null, 'admin'],
    updateMember: [1, { role: 'support' }],
    markRemoved: [1, 0],
    readOpenInvitations: [1, 0],
    countPeople: [1, { now: 0, since: 0 }],
    insertInvitation: [
      {
        invitationId: 'i',
        side: null,
        email: 'i@example.com',
        role: 'admin',
        createdAt: 0,
        expiresAt: 1,
      },
    ],
    withdrawInvitationTo: [1, 'i@example.com', 0],
    withdrawInvitation: [1, 'i', 0],
    deleteOldInvitations: [1, 0],
    writeInvitationToken: ['i', Buffer.alloc(32), 0],
    readSentInvitation: [Buffer.alloc(32)],
    acceptSentInvitation: [Buffer.alloc(32), 0],
  },
  'access/operators': { hasAdmin: [] },
  'access/sign-in': {
    insertMember: [
      {
        memberId: 'm',
        tenantNo: null,
        email: 'm@example.com',
        name: 'M',
        role: 'admin',
        passwordHash: 'h',
        emailVerifiedAt: null,
        createdAt: 0,
      },
    ],
    readMemberByEmail: ['m@example.com'],
    readMemberById: ['m'],
    readMemberByNo: [1],
    keepPassword: [1, 'h'],
    writePassword: [1, { before: 'h', after: 'i' }],
    writeEmailVerified: [1, 0],
    insertSession: [{ sessionId: 's', memberNo: 1, createdAt: 0, expiresAt: 1 }],
    readSignedIn: ['s', 'm', 0],
    readSessions: ['m', 0],
    endSession: ['s', { memberId: 'm', reason: 'r', now: 0 }],
    endSessions: [1, { reason: 'r', now: 0 }],
    endOldestSessions: [1, { keep: 1, reason: 'r', now: 0 }],
    insertRefreshToken: [{ tokenHash: Buffer.alloc(32), sessionNo: 1, createdAt: 0 }],
    useRefreshToken: [Buffer.alloc(32), 0],
    readRefreshToken: [Buffer.alloc(32)],
    insertEmailToken: [
      {
        tokenHash: Buffer.alloc(32),
        purpose: 'password_reset',
        memberNo: 1,
        email: 'm@example.com',
        now: 0,
        expiresAt: 1,
        tokensMax: 1,
      },
    ],
    deleteEmailToken: [Buffer.alloc(32)],
    readEmailToken: [Buffer.alloc(32), 'password_reset', 0],
    useEmailToken: [Buffer.alloc(32), 0],
    useUpEmailTokens: [1, 'password_reset', 0],
    deleteOldSessions: [0, 10],
    deleteOldEmailTokens: [0, 10],
  },
  'access/signing-keys': {
    lockSigningKeys: [],
    insertSigningKey: [{ keyId: 'k', publicJwk: {}, privateJwk: {} }],
    readSigningKeys: [0],
    retireSigningKey: [0],
    deleteSigningKeys: [0],
  },
  'access/tenant-keys': {
    insertTenantKey: [
      {
        tenantNo: 1,
        keyId: 'k2',
        keyHash: Buffer.alloc(32, 2),
        hint: '…',
        name: null,
        team: null,
        scopes: ['read'],
        expiresAt: null,
      },
    ],
    lockTenant: [1],
    countKeysInForce: [1],
    readTenantKeys: [1, 0, 10],
    readKeysInForce: [1, 0, 10],
    lockTenantKey: [1, 'k2'],
    updateTenantKey: [2, { name: 'n', scopes: ['read'], expiresAt: 1 }],
    replaceSecret: [2, { keyHash: Buffer.alloc(32, 3), hint: '…', oldUntil: 1 }],
    revokeTenantKey: [2, 1],
    readKeyOwner: ['k'],
    readEndedKeys: [[1], 0],
  },
  'access/unlock': { readEmailsOfTenant: [1] },
  ...ALERT_STATEMENTS,
  'analytics/export': { readVoided: [1, { after: 0, to: 1, through: 1 }] },
  'analytics/filters': {
    readFilteredUsage: [FILTERED, LOG_STRETCH, ANY_FILTER],
    readLoggedSenders: [1, LOG_STRETCH],
  },
  'analytics/metrics': { readCounters: [1], readLatencies: [1] },
  'analytics/readings': {
    readTail: [{ tenantNo: 1, hourZone: 'UTC', property: null }, null],
    readAgreesOnDays: ['Europe/Berlin', [0]],
    readRolledUsage: [STRETCHES, ASKED, ROLLUPS_AT],
    readRolledCalls: [STRETCHES, ASKED, ROLLUPS_AT],
    readRolledHistograms: [STRETCHES, 0, ROLLUPS_AT],
    readLoggedUsage: [STRETCHES, ASKED, LOG_STRETCH],
    readLoggedHistograms: [STRETCHES, 0, LOG_STRETCH],
    readSeqBefore: [1, 0],
    readUncountedLines: [1, 'p', 10],
  },
  'analytics/rollups': {
    foldDue: [{ linesMax: 10, linesMin: 1, afterTenantNo: 0, share: 0, shares: 1 }],
    readDueShares: [1, 2],
    readUnplaced: [10, ['p']],
    insertFirstPosition: [1, PLACEMENT],
    insertNextPosition: [1, PLACEMENT],
    insertNextPositions: [],
    deleteNext: [1],
    readSuccessors: [],
    readNextCount: [],
    deleteLive: [1],
    lockPositions: [1],
    makeLive: [1],
    deleteOrphans: [1],
    readCounted: [1],
    deleteNextCounters: [1],
    handCountersOn: [1],
    readFoldedSeq: [1],
    deletePastHours: [1, 0, 10],
  },
  'analytics/verify': {
    readLivePositions: [],
    readDays: ['Europe/Berlin', [0]],
    readHours: [POSITION, 0],
    readBuckets: [POSITION],
    readCountersOf: [POSITION],
    readLatenciesOf: [POSITION],
  },
  'billing/backtest': {
    readTenantsToTest: [{ tenantIds: null }, 0, 10],
    readLinesToTest: [{ tenantIds: ['t'] }],
  },
  ...BILLING_STATEMENTS,
  catalog: {
    lockCatalog: [],
    readPlanVersion: [1],
    readLatestPlanVersions: [],
    readPlanVersionNumbers: [],
    readPlanVersionsBackward: [null, 10],
    readLatestRules: [],
    readUsageProperties: [],
    readCatalogMark: [],
    readServices: [],
    insertPlanVersion: ['p', 1, {}],
    insertRules: [1, {}],
    readCatalogSource: [],
    writeCatalogSource: [{ startedHash: Buffer.alloc(32), appliedHash: null }],
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
    countAccountsByPlan: [],
    readChanges: [1],
    readVoids: [1, 1],
    readEntriesBySeq: [1, [1]],
    readEntriesAbout: [1, { start: 0, end: 1 }, { afterSeq: 0, throughSeq: 1, limit: 10 }],
    readLastSeq: [1],
    readLastSeqs: [[1]],
    readCreditEntries: [1, null, 10],
    readCreditLines: [1, { fromSeq: 1, belowSeq: 2 }, 10],
  },
  ...RETENTION_STATEMENTS,
}

const ROOMS = new URL('../', import.meta.url)
const database = await testDatabase()
const pool = createPool(database.url, () => {})
// A credit note is of an invoice that is there.
await insertInvoice(pool, { ...ANY_INVOICE, invoice_id: 'before', period_start: -1 })
// Whoever issues holds a position.
await lockPosition(pool, 1, { start: 0, end: 1 })
await pool.query(PARTITION_OF_A_TEST)
after(async () => {
  await pool.end()
  await database.drop()
})

test('every folder with statements is in the table above', async () => {
  const rooms: string[] = []
  for await (const path of glob('**/store.ts', { cwd: ROOMS })) {
    rooms.push(path.split(/[\\/]/).slice(0, -1).join('/'))
  }
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

/** What is kept as JSON under a name of its own. */
const JSON_TYPES = [
  ...['StoredDocument', 'StoredNote', 'Basis', 'AddressLines'],
  ...['PackedUsage', 'PackedCalls', 'HistogramRow[]', 'TailHistogram[]'],
]

function driverType(written: string): string {
  const type = written.replace(' | null', '')
  if (['bigint', 'number', 'boolean', 'Buffer', 'string[]'].includes(type)) return type
  const isJson = type === 'unknown' || type.startsWith('Record') || JSON_TYPES.includes(type)
  return isJson ? 'json' : 'string'
}

const DRIVER_TYPE_BY_OID: Record<number, string> = {
  16: 'boolean',
  17: 'Buffer',
  20: 'bigint',
  21: 'number',
  23: 'number',
  25: 'string',
  114: 'json',
  1009: 'string[]',
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

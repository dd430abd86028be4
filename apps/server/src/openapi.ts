import { readFile, writeFile } from 'node:fs/promises'
import pg from 'pg'
import { pino } from 'pino'
import { Directory } from './access/directory.ts'
import { openLockout } from './access/lockout.ts'
import { createPdfThread } from './billing/documents/pdf-thread.ts'
import { Policy } from './access/policy/policy.ts'
import { AccessTokens } from './access/sign-in/access-tokens.ts'
import { Passwords } from './access/sign-in/passwords.ts'
import { manualPayments } from './billing/payments/manual.ts'
import type { Catalog } from './catalog/catalog.ts'
import { readConfig } from './config.ts'
import { UsageMemory } from './analytics/readings/memory.ts'
import { buildApp } from './http/app.ts'
import { RequestLimits } from './http/request-limits.ts'
import { Ledger } from './ledger/ledger.ts'
import { systemClock } from './lib/clock.ts'

const FILE = new URL('../../../openapi.json', import.meta.url)

/** Writes the contract as the routes say it. Needs no database: nothing is asked of it. */
export async function writeOpenapi(): Promise<void> {
  await writeFile(FILE, await openapiText())
}

/** @returns the exit code: 1 if the committed contract is not the one of the routes */
export async function checkOpenapi(): Promise<number> {
  const committed = await readFile(FILE, 'utf8').catch(() => '')
  if (committed === (await openapiText())) return 0
  process.stderr.write('openapi.json is not what the routes say. Write it with: npm run openapi\n')
  return 1
}

/** The contract, as the routes say it. */
export async function openapiText(): Promise<string> {
  const pool = new pg.Pool()
  const clock = systemClock
  const catalog = { rules: { version: 0, services: new Map() } } as unknown as Catalog
  const connect = () => Promise.reject(new Error('no database'))
  const ledger = new Ledger({ connect, catalog, clock, onError: () => undefined })
  const settings = readConfig({})
  const policy = await Policy.load()
  const tokens = new AccessTokens({ pool, clock })
  const app = await buildApp({
    pool,
    catalog,
    ledger,
    pdfs: createPdfThread(),
    policy,
    tokens,
    passwords: new Passwords(),
    lockout: openLockout({ redis: null, clock }),
    directory: new Directory({ pool, policy, tokens, clock }),
    clock,
    requestLimits: new RequestLimits({ redis: null, clock, settings }),
    settings,
    payments: manualPayments,
    log: pino({ level: 'silent' }),
    usageMemory: new UsageMemory(),
    isStopping: () => false,
  })
  const text = `${JSON.stringify(app.swagger(), null, 2)}\n`
  await app.close()
  return text
}

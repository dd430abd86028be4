import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type pg from 'pg'
import type { Catalog } from '../catalog/catalog.ts'
import type { PlanTerms } from '../catalog/types.ts'
import { logOf } from '../ledger/log.ts'
import { accountAt } from '../ledger/readings.ts'
import type { Account } from '../ledger/types.ts'
import type { Caller } from '../lib/caller.ts'
import type { Clock } from '../lib/clock.ts'
import type { UsageSource } from './readings/folded-reader.ts'
import type { UsageMemory } from './readings/memory.ts'

/** Names of who sent a line, by the number that the log remembers. */
export type SenderNamesOf = (
  senderNos: number[],
) => Promise<ReadonlyMap<number, { id: string; team: string | null }>>

/** A key in force. Null: it has none, it was never used. */
export type KeyOf = {
  id: string
  senderNo: number
  name: string | null
  team: string | null
  createdAt: number
  lastUsedAt: number | null
}
/** All that a tenant has in force. */
export type KeysOf = (tenantNo: number) => Promise<readonly KeyOf[]>

/** From which percent of its quota on a tenant wants to be told; null: it has not said. */
export type QuotaAlertOf = (tenantNo: number) => Promise<number | null>

export type AnalyticsDependencies = {
  pool: pg.Pool
  memory: UsageMemory
  catalog: Catalog
  clock: Clock
  senderNames: SenderNamesOf
  keysOf: KeysOf
  quotaAlertOf: QuotaAlertOf
  maySeeMoney: (caller: Caller) => boolean
}

/** Who is asked about, as things stand. `now` is the account's own. */
export type Subject = {
  account: Account
  terms: PlanTerms
  now: number
  catalog: Catalog
  source: UsageSource
  senderNames: SenderNamesOf
  keysOf: KeysOf
  quotaAlertOf: QuotaAlertOf
  /** Whether the asker may read bills. */
  seesMoney: boolean
  /** What is older is deleted, ms; null: nothing is. */
  keptFrom: number | null
  /** The plan does not bind who operates Tollgate. */
  gated: boolean
}

type Dependence = readonly (string | number | null)[]

/** An answer that can be had, and what it depends on besides the tenant's log and what was asked. */
export type Answer<T> = {
  /** Null: on more than can be named, so that the answer itself must be looked at. */
  dependsOn: Dependence | null | (() => Promise<Dependence>)
  read(): Promise<T>
}

/** Works out what is asked, without reading yet. @throws ProblemError invalid_request, plan_feature_required, past_retention */
export type Verb<Query, T> = (subject: Subject, query: Query) => Answer<T>

/**
 * Answers, or says that what the asker has is still good: as long as the log has no further line and the
 * clock has passed nothing that matters, so are all numbers. The log is looked at before what is read of
 * it, so an answer may be newer than its tag says, and is then asked for once more; it is never older.
 */
export async function answer<Query, T>(
  deps: AnalyticsDependencies,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  { tenantNo, gated }: { tenantNo: number; gated: boolean },
  verb: Verb<Query, T>,
  query: Query,
): Promise<T | null> {
  const { pool, memory, catalog, clock, senderNames, keysOf, quotaAlertOf } = deps
  const [{ account, terms, now }, cut] = await Promise.all([
    accountAt(pool, catalog, tenantNo, clock.now()),
    logOf(pool, tenantNo).cut(),
  ])
  const { timeZone, lastSeq } = account
  const source = { pool, memory, tenantNo, timeZone, seenSeq: lastSeq }
  const seesMoney = deps.maySeeMoney(request.caller)
  const keptFrom = cut?.keptFrom ?? null
  const about = { account, terms, now, keptFrom, seesMoney, gated }
  const subject = { ...about, catalog, source, senderNames, keysOf, quotaAlertOf }
  const { dependsOn, read } = verb(subject, query)
  const vary = [reply.getHeader('vary'), 'authorization', 'accept'].filter(Boolean).join(', ')
  reply.headers({ 'cache-control': 'private, no-cache', vary })
  if (dependsOn === null) {
    const body = await read()
    return tagged(request, reply, tagOf([JSON.stringify(body)])) ? null : body
  }
  const route = request.routeOptions.url ?? ''
  const place = [FORM, tenantNo, lastSeq, timeZone, terms.planVersionNo, route]
  const known = typeof dependsOn === 'function' ? await dependsOn() : dependsOn
  const tag = tagOf([...place, JSON.stringify(query), ...known])
  return tagged(request, reply, tag) ? null : read()
}

/** Of replies. Another number when the same log makes another reply. */
const FORM = 2

function tagOf(parts: readonly unknown[]): string {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
  return `"${hash.slice(0, 27)}"`
}

/** @returns whether the asker has it already: the reply is 304 then */
function tagged(request: FastifyRequest, reply: FastifyReply, tag: string): boolean {
  reply.header('etag', tag)
  const known = request.headers['if-none-match']
  if (known === undefined) return false
  const tags = known.split(',').map((one) => one.trim().replace(/^W\//, ''))
  if (!tags.includes(tag) && !tags.includes('*')) return false
  reply.code(304)
  return true
}

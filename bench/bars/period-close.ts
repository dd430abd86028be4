import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { askForBilling } from '../../apps/server/src/billing/tasks.ts'
import { periodAt } from '../../apps/server/src/lib/periods.ts'
import { cpuSeconds } from '../cpu.ts'
import { CannotMeasure } from '../failure.ts'
import type { Options } from '../options.ts'
import { auditInvoices, auditLogs } from '../period-close/audit.ts'
import { writeHistory } from '../logs/history.ts'
import { openPlace } from '../logs/open-place.ts'
import { type Customer, openTenants, type Place, planOf } from '../logs/tenants.ts'
import { readUpcoming } from '../period-close/upcoming.ts'
import { benchPostgres } from '../postgres.ts'
import { median, milliseconds, progress, type Report, type Row, whole } from '../report.ts'
import { serverSettings, spawnServer } from '../server.ts'
import type { Workspace } from '../workspace.ts'

const EVENTS_DEFAULT = 1_000_000
/** The period began so long ago: it has ended whatever the month, and the next one has not. */
const BEGAN_DAYS_AGO = 40
const DAY_MS = 86_400_000
const SECONDS_MAX = 600
const RESIDENT_MB_MAX = 300
/** Last third against the first: more than noise would grow with what was closed. */
const GROWTH_MAX = 1.15
const POLL_MS = 250
/** Nobody waits longer for an invoice that does not come. */
const WITHOUT_PROGRESS_MS_MAX = 60_000
const LOGS_VERIFIED = 200

/** How long a node takes to bill everybody's month, and what it holds meanwhile. */
export async function periodClose(workspace: Workspace, options: Options): Promise<Report> {
  const postgres = await benchPostgres(workspace, options)
  const databaseUrl = await postgres.createDatabase('subject')
  const place = await openPlace(workspace, databaseUrl, Date.now() - BEGAN_DAYS_AGO * DAY_MS)
  const events = options.events ?? EVENTS_DEFAULT
  const { customers, lines } = await fill(place, options.tenants, events)
  progress(`verifying ${LOGS_VERIFIED} logs`)
  const broken = await auditLogs(place, customers, LOGS_VERIFIED)
  await place.pool.query('ANALYZE')
  await postgres.settle()
  const referenceSeconds = await groupEverything(place.pool)

  const settings = await serverSettings(workspace, databaseUrl)
  const server = spawnServer(settings)
  workspace.onClose(() => server.stop())
  await server.ready()
  const closed = await close(
    place.pool,
    { pid: server.pid, postgresPid: postgres.pid },
    customers.length,
  )
  broken.push(...(await auditInvoices(place.pool, customers)))
  const upcoming = await readUpcoming({ place, postgres, server, settings, options, events })
  return {
    title: `period-close: ${whole(options.tenants)} tenants with ${whole(lines)} entries`,
    conditions: [
      'plans pro, team, free and prepaid of the default catalog; one node, embedded jobs',
      postgres.description,
    ],
    rows: [...rowsOf(closed, customers.length, lines, referenceSeconds), ...upcoming.rows],
    notes: [
      'against one SELECT that reads and groups the same entries; resident: Tollgate without its PostgreSQL',
      cpuNote(closed, customers.length),
      ...upcoming.notes,
    ],
    broken: [...broken, ...upcoming.broken],
  }
}

/** Everybody's month: from half as many calls as the average to half as many more. */
async function fill(
  place: Place,
  tenants: number,
  events: number,
): Promise<{ customers: Customer[]; lines: number }> {
  const { start, end } = monthAgo()
  progress(`opening ${whole(tenants)} tenants`)
  const wanted = Array.from({ length: tenants }, (_, index) => {
    return { tenantId: `bench-${String(index).padStart(6, '0')}`, plan: planOf(index) }
  })
  const customers = await openTenants(place, wanted, start)
  progress(`writing ${whole(events)} events of the month that ended`)
  const average = events / tenants
  const sent = customers.map((customer, index) => {
    return { customer, calls: Math.round(average * (0.5 + ((index * 7) % 1_001) / 1_000)) }
  })
  const lines = await writeHistory(place, sent, { from: start + 1, to: end })
  return { customers, lines: lines + customers.length }
}

function monthAgo(): { start: number; end: number } {
  const day = Math.floor((Date.now() - BEGAN_DAYS_AGO * DAY_MS) / DAY_MS) * DAY_MS
  return periodAt(day, 'UTC', day)
}

/** What PostgreSQL itself needs to read the same entries once and add them up. */
async function groupEverything(pool: pg.Pool): Promise<number> {
  const seconds: number[] = []
  for (let time = 0; time < 3; time += 1) {
    const began = performance.now()
    await pool.query(
      `SELECT tenant_no, kind, count(*), sum(coalesce(quantity, 1000000)), sum(credits)
       FROM entry WHERE reason = 0 GROUP BY tenant_no, kind`,
    )
    seconds.push((performance.now() - began) / 1_000)
  }
  return median(seconds)
}

type Closed = { seconds: number; residentMb: number[]; cpu: (number | null)[] }

/** From when a node is asked to bill until every tenant has its invoice. */
async function close(
  pool: pg.Pool,
  { pid, postgresPid }: { pid: number; postgresPid: number | null },
  tenants: number,
): Promise<Closed> {
  progress('closing')
  const cpuBefore = cpuOf(pid, postgresPid)
  const began = performance.now()
  await askForBilling(pool)
  const residentMb: number[] = []
  let invoices = 0
  let lastProgress = began
  while (invoices < tenants) {
    await sleep(POLL_MS)
    residentMb.push(residentMbOf(pid))
    const { rows } = await pool.query<{ issued: bigint }>(
      `SELECT coalesce(max(last_no), 0) AS issued FROM document_number WHERE series = 'INV'`,
    )
    const issued = Number(rows[0]!.issued)
    if (issued > invoices) lastProgress = performance.now()
    else if (performance.now() - lastProgress > WITHOUT_PROGRESS_MS_MAX) {
      throw new CannotMeasure(`No more than ${issued} of ${tenants} invoices were issued.`)
    }
    invoices = issued
  }
  const seconds = (performance.now() - began) / 1_000
  const cpu = cpuOf(pid, postgresPid).map((after, which) => {
    const before = cpuBefore[which] ?? null
    return after === null || before === null ? null : after - before
  })
  return { seconds, residentMb, cpu }
}

/** Processor seconds of Tollgate and of PostgreSQL until now; null where nobody tells. */
function cpuOf(pid: number, postgresPid: number | null): (number | null)[] {
  return [cpuSeconds(pid, false), postgresPid === null ? null : cpuSeconds(postgresPid, true)]
}

function residentMbOf(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024
}

function rowsOf(closed: Closed, tenants: number, lines: number, reference: number): Row[] {
  const { seconds, residentMb } = closed
  const third = Math.max(1, Math.floor(residentMb.length / 3))
  const [first, last] = [median(residentMb.slice(0, third)), median(residentMb.slice(-third))]
  const highest = Math.max(...residentMb)
  return [
    {
      figure: 'until every tenant has its invoice',
      value: `${seconds.toFixed(1)} s`,
      reference: `${reference.toFixed(2)} s`,
      ratio: seconds / reference,
      bar: `≤ ${SECONDS_MAX} s`,
      passes: seconds <= SECONDS_MAX,
    },
    { figure: 'invoices/s', value: whole(tenants / seconds) },
    {
      figure: 'entries folded/s',
      value: whole(lines / seconds),
      reference: whole(lines / reference),
      ratio: reference / seconds,
    },
    {
      figure: 'highest resident',
      value: `${whole(highest)} MB`,
      bar: `≤ ${RESIDENT_MB_MAX} MB`,
      passes: highest <= RESIDENT_MB_MAX,
    },
    {
      figure: 'resident, last third against the first',
      value: `${whole(last)} MB`,
      reference: `${whole(first)} MB`,
      ratio: last / first,
      bar: `≤ ${GROWTH_MAX} ×`,
      passes: last / first <= GROWTH_MAX,
    },
  ]
}

/** What it costs whatever else the machine does. */
function cpuNote({ cpu }: Closed, tenants: number): string {
  const [own, postgres] = cpu.map((seconds) =>
    seconds === null
      ? 'unknown'
      : `${seconds.toFixed(1)} s (${milliseconds((seconds * 1_000) / tenants)} a tenant)`,
  )
  return `processor time of closing: Tollgate ${own}, PostgreSQL ${postgres}`
}

import { execFile } from 'node:child_process'
import { Api } from '../api.ts'
import { audit } from '../crash/audit.ts'
import { Book } from '../crash/book.ts'
import { type Crash, crashRepeatedly, type Target, type Victim } from '../crash/chaos.ts'
import { Random } from '../crash/random.ts'
import { Senders } from '../crash/senders.ts'
import type { Options } from '../options.ts'
import { stopLeftPostgres } from '../postmaster.ts'
import { median, progress, type Report, type Row, whole } from '../report.ts'
import { environment, MAIN, serverSettings, spawnServer } from '../server.ts'
import { type BenchTenant, createTenant } from '../subject.ts'
import type { Workspace } from '../workspace.ts'

/** Some have plenty, some run out on the way, so that denials are replayed too. */
const GRANTS = [10_000_000, 10_000_000, 10_000_000, 10_000_000, 500, 1_500, 5_000, 15_000]
const BOTH_SHARE = 0.25
const VERIFY_MS_MAX = 600_000

/** Kills server and database under load, and holds the log against what was acknowledged. */
export async function crash(workspace: Workspace, options: Options): Promise<Report> {
  const seed = options.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!
  progress(`seed ${seed}`)
  const random = new Random(seed)
  const settings = await serverSettings(workspace, null)
  const target: Target = { settings, server: spawnServer(settings) }
  workspace.onClose(() => stopLeftPostgres(settings.dataDir))
  workspace.onClose(() => target.server.stop())
  await target.server.ready()
  const operator = new Api(target.server, settings.operatorKey)
  const { key: serviceKey } = await operator.post<{ key: string }>('/api/admin/services', {
    name: 'bench-api',
  })
  const book = new Book(await tenantsOf(operator), random)
  const { host, port } = target.server
  const senders = new Senders(book, random, { host, port, serviceKey })
  workspace.onClose(() => senders.abort())
  senders.start()
  const crashes = await crashRepeatedly(target, senders, random, victimsOf(options, random))
  progress('sending again what is not acknowledged yet')
  await senders.finish()
  return report(seed, book, crashes, await faults(target, book))
}

async function tenantsOf(operator: Api): Promise<BenchTenant[]> {
  const tenants: BenchTenant[] = []
  for (const [i, credits] of GRANTS.entries()) {
    tenants.push(await createTenant(operator, `crash-${i}`, 'prepaid', credits))
  }
  return tenants
}

function victimsOf(options: Options, random: Random): Victim[] {
  const { times } = options
  return random.shuffled<Victim>([
    ...new Array<Victim>(times).fill('server'),
    ...new Array<Victim>(times).fill('database'),
    ...new Array<Victim>(Math.ceil(times * BOTH_SHARE)).fill('both'),
  ])
}

/** Everything that is wrong: in the answers, in the logs, and by Tollgate's own recomputation. */
async function faults(target: Target, book: Book): Promise<string[]> {
  const open = book.events.length - book.acknowledged.length
  const broken = open > 0 ? [`${open} events were never acknowledged`, ...book.broken] : book.broken
  for (const [i, tenant] of book.tenants.entries()) {
    progress(`reading the log of ${tenant.id}`)
    broken.push(...(await audit(new Api(target.server, tenant.key), book, i, GRANTS[i]!)))
  }
  progress('tollgate verify')
  await target.server.stop()
  broken.push(...(await verify(target)))
  return broken
}

function verify(target: Target): Promise<string[]> {
  return new Promise((resolve) => {
    const options = { env: environment(target.settings), timeout: VERIFY_MS_MAX }
    execFile(process.execPath, [MAIN, 'verify'], options, (error, stdout, stderr) => {
      resolve(error === null ? [] : [`tollgate verify: ${stdout}${stderr}`.trim()])
    })
  })
}

function report(seed: number, book: Book, crashes: Crash[], broken: string[]): Report {
  const denied = book.acknowledged.filter((event) => event.acknowledged?.decision === 'denied')
  return {
    title: `crash: kill -9 at random moments under load, seed ${seed}`,
    conditions: [
      `${book.tenants.length} prepaid tenants, some with little; single events and batches, repeats and twins`,
      'embedded PostgreSQL, fsync on',
    ],
    rows: [
      ...(['server', 'database', 'both'] as const).map((victim) => recovery(victim, crashes)),
      {
        figure: 'acknowledged events that are there once, and nothing else charged',
        value: whole(book.acknowledged.length),
        bar: 'all',
        passes: broken.length === 0,
      },
    ],
    notes: [
      `${whole(book.replays)} answers were replays, ${whole(denied.length)} events were denied for want of credits`,
    ],
    broken,
  }
}

function recovery(victim: Victim, crashes: Crash[]): Row {
  const times = crashes.filter((one) => one.victim === victim).map((one) => one.recoveredMs)
  const longest = (Math.max(...times) / 1_000).toFixed(1)
  return {
    figure: `${victim} killed ${times.length} times: acknowledging again after`,
    value: `${(median(times) / 1_000).toFixed(1)} s, at most ${longest} s`,
  }
}

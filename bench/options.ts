import { parseArgs } from 'node:util'
import { CannotMeasure } from './failure.ts'
import type { EventShape, Spread } from './load/plan.ts'

/** What can be changed on the command line. `null`: the bar's own default. */
export type Options = {
  tenants: number
  connections: number | null
  seconds: number | null
  rounds: number
  events: number | null
  times: number
  seed: number | null
  plan: 'enterprise' | 'prepaid'
  keys: 'service' | 'tenant'
  shape: EventShape
  spread: Spread
  keep: boolean
  /** A PostgreSQL to use instead of an embedded one, as a superuser or the owner of new databases. */
  databaseUrl: string | null
}

/** Where a bar needs others than usual. */
const TENANTS_DEFAULT: Record<string, number> = { 'period-close': 10_000 }

export const USAGE = `Usage: npm run bench -- BAR [options]

  BAR: track, one-tenant, batch, latency, usage, folding, crash, size, memory,
       start, period-close, export

  --seconds N       measured seconds of each round (memory: of the whole)
  --rounds N        rounds of reference and subject in turn, the median counts (3)
  --tenants N       tenants the events are spread over (1000; period-close: 10000)
  --connections N   connections of the load (256; batches: 8)
  --plan NAME       enterprise, or prepaid: every call also burns credits (enterprise)
  --keys KIND       service: one key for all tenants; tenant: each tenant's own (service)
  --shape NAME      small: the fields every event has; full: with all for statistics (small)
  --spread NAME     mixed: a batch carries many tenants' events; tenant: one tenant's (mixed)
  --events N        events to load (usage: 10000000; folding: 1000000; size: 300000; period-close, export: 1000000)
  --times N         crash: kills of the server, and as many of the database (20)
  --seed N          crash: repeats the choices of an earlier run
  --keep            leaves the temporary folder for a look at the logs
`

export function parseOptions(argv: string[]): { bar: string; options: Options } {
  const { values, positionals } = parse(argv)
  const bar = positionals[0]
  if (bar === undefined || positionals.length > 1) throw new CannotMeasure(USAGE)
  const options: Options = {
    tenants: count(values.tenants, '--tenants') ?? TENANTS_DEFAULT[bar] ?? 1_000,
    connections: count(values.connections, '--connections'),
    seconds: count(values.seconds, '--seconds'),
    rounds: count(values.rounds, '--rounds') ?? 3,
    events: count(values.events, '--events'),
    times: count(values.times, '--times') ?? 20,
    seed: count(values.seed, '--seed'),
    plan: oneOf(values.plan, '--plan', ['enterprise', 'prepaid']),
    keys: oneOf(values.keys, '--keys', ['service', 'tenant']),
    shape: oneOf(values.shape, '--shape', ['small', 'full']),
    spread: oneOf(values.spread, '--spread', ['mixed', 'tenant']),
    keep: values.keep ?? false,
    databaseUrl: process.env.BENCH_DATABASE_URL ?? null,
  }
  return { bar, options }
}

function parse(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        tenants: { type: 'string' },
        connections: { type: 'string' },
        seconds: { type: 'string' },
        rounds: { type: 'string' },
        events: { type: 'string' },
        times: { type: 'string' },
        seed: { type: 'string' },
        plan: { type: 'string' },
        keys: { type: 'string' },
        shape: { type: 'string' },
        spread: { type: 'string' },
        keep: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new CannotMeasure(`${(error as Error).message}\n\n${USAGE}`)
  }
}

function count(text: string | undefined, name: string): number | null {
  if (text === undefined) return null
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new CannotMeasure(`${name} must be a whole number of 1 or more, not "${text}".`)
  }
  return value
}

/** The value if it is one of the choices; the first of them if it was left out. */
function oneOf<const T extends string>(
  text: string | undefined,
  name: string,
  choices: readonly [T, ...T[]],
): T {
  if (text === undefined) return choices[0]
  const choice = choices.find((one) => one === text)
  if (choice === undefined) {
    throw new CannotMeasure(`${name} must be ${choices.join(' or ')}, not "${text}".`)
  }
  return choice
}

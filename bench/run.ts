import { CannotMeasure } from './failure.ts'
import { type Options, parseOptions, USAGE } from './options.ts'
import { printReport, type Report } from './report.ts'
import { Workspace } from './workspace.ts'

type Bar = (workspace: Workspace, options: Options) => Promise<Report>

/** Loaded one at a time, so that a bar runs even where another lacks what it needs. */
const BARS: Record<string, () => Promise<Bar>> = {
  track: async () => (await import('./bars/track.ts')).track,
  'one-tenant': async () => (await import('./bars/one-tenant.ts')).oneTenant,
  batch: async () => (await import('./bars/batch.ts')).batch,
  latency: async () => (await import('./bars/latency.ts')).latency,
  usage: async () => (await import('./bars/usage.ts')).usage,
  folding: async () => (await import('./bars/folding.ts')).folding,
  crash: async () => (await import('./bars/crash.ts')).crash,
  size: async () => (await import('./bars/size.ts')).size,
  memory: async () => (await import('./bars/memory.ts')).memory,
  start: async () => (await import('./bars/start.ts')).start,
  export: async () => (await import('./bars/export.ts')).exportEvents,
  'period-close': async () => (await import('./bars/period-close.ts')).periodClose,
}

process.exitCode = await main(process.argv.slice(2))

async function main(argv: string[]): Promise<number> {
  try {
    const { bar: name, options } = parseOptions(argv)
    const load = BARS[name]
    if (load === undefined) throw new CannotMeasure(`There is no bar "${name}".\n\n${USAGE}`)
    const report = await measured(await load(), options)
    printReport(report)
    return report.broken.length > 0 ? 1 : 0
  } catch (error) {
    const known = error instanceof CannotMeasure
    process.stderr.write(`${known ? error.message : (error as Error).stack}\n`)
    return 1
  }
}

async function measured(bar: Bar, options: Options): Promise<Report> {
  const workspace = await Workspace.open(options.keep)
  try {
    return await bar(workspace, options)
  } finally {
    await workspace.close()
  }
}

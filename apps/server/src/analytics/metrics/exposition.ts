/** One number with what tells it from others of its family. `suffix`: of the parts of a histogram. */
export type Sample = {
  suffix?: '_total' | '_bucket' | '_sum' | '_count'
  labels?: Readonly<Record<string, string>>
  value: number
}

export type MetricFamily = {
  /** Without a suffix. */
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  /** One line, without backslashes. */
  help: string
  samples: readonly Sample[]
}

export const EXPOSITION_TYPES = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
} as const
export type ExpositionFormat = keyof typeof EXPOSITION_TYPES

/**
 * What Prometheus reads. Written here and not by prom-client, which counts by itself: it can neither
 * take over a histogram that was counted elsewhere nor print what belongs to one request.
 */
export function exposition(families: readonly MetricFamily[], format: ExpositionFormat): string {
  const lines = families.flatMap((family) => linesOf(family, format))
  if (format === 'openmetrics') lines.push('# EOF')
  return `${lines.join('\n')}\n`
}

/** The one text format names a counter with its suffix, the other without. */
function linesOf({ name, type, help, samples }: MetricFamily, format: ExpositionFormat): string[] {
  const told = type === 'counter' && format === 'text' ? `${name}_total` : name
  return [
    `# HELP ${told} ${help}`,
    `# TYPE ${told} ${type}`,
    ...samples.map(({ suffix = '', labels = {}, value }) => {
      return `${name}${suffix}${labelsText(labels)} ${numberText(value)}`
    }),
  ]
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`))
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`A metric cannot be ${value}`)
  return String(value)
}

/** Of an `Accept` header; what is asked for as much as the text is given in the newer form. */
export function expositionFormat(accept: string | undefined): ExpositionFormat {
  const ranges = (accept ?? '').toLowerCase().split(',').map(rangeOf)
  const weightOf = (...types: string[]) =>
    Math.max(0, ...ranges.filter(({ type }) => types.includes(type)).map(({ weight }) => weight))
  const openmetrics = weightOf('application/openmetrics-text')
  if (openmetrics === 0) return 'text'
  return openmetrics >= weightOf('text/plain', 'text/*') ? 'openmetrics' : 'text'
}

/** Another version than ours is as if it were not named. */
function rangeOf(text: string): { type: string; weight: number } {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim())
  const find = (name: string) =>
    parameters.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1)
  const ours = !type.includes('openmetrics') || ['1.0.0', undefined].includes(find('version'))
  const weight = Number(find('q') ?? 1)
  return { type, weight: ours && weight > 0 && weight <= 1 ? weight : 0 }
}

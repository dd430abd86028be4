export type ParsedSample = { name: string; labels: Record<string, string>; value: number }
export type Parsed = { types: Map<string, string>; samples: ParsedSample[] }

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/s
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y
const SUFFIX = /_(total|bucket|sum|count)$/

/** Reads Prometheus text strictly. @throws Error where it is no such text */
export function parseExposition(text: string, format: 'text' | 'openmetrics' = 'text'): Parsed {
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const lines = text.slice(0, -1).split('\n')
  if ((lines.at(-1) === '# EOF') !== (format === 'openmetrics')) throw new Error('wrong end')
  const types = new Map<string, string>()
  const samples: ParsedSample[] = []
  const seen = new Set<string>()
  let family = ''
  for (const line of lines) {
    if (line === '# EOF' || line.startsWith('# HELP ')) continue
    if (line.startsWith('# TYPE ')) {
      const [, , name, type] = line.split(' ') as [string, string, string, string]
      if (types.has(name)) throw new Error(`${name} is there twice`)
      types.set(name, type)
      family = name
      continue
    }
    const sample = sampleFrom(line)
    const id = JSON.stringify([sample.name, sample.labels])
    if (seen.has(id)) throw new Error(`there twice: ${line}`)
    seen.add(id)
    const bare = sample.name.replace(SUFFIX, '')
    if (sample.name !== family && bare !== family) throw new Error(`not of ${family}: ${line}`)
    samples.push(sample)
  }
  return { types, samples }
}

function sampleFrom(line: string): ParsedSample {
  const [, name, labels = '', value] = SAMPLE.exec(line) ?? []
  if (name === undefined || !/^[-+\d.e]+$/.test(value!)) throw new Error(`no sample: ${line}`)
  return { name, labels: labelsFrom(labels), value: Number(value) }
}

function labelsFrom(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < text.length) {
    const at = LABEL.lastIndex
    const found = LABEL.exec(text)
    if (found === null) throw new Error(`no label: ${text.slice(at)}`)
    const value = found[2]!.replace(/\\(.)/gs, (_all, char) => (char === 'n' ? '\n' : char))
    labels[found[1]!] = value
  }
  return labels
}

/** Samples by name and labels, as one number each. */
export function valuesOf({ samples }: Parsed): Map<string, number> {
  return new Map(samples.map(({ name, labels, value }) => [JSON.stringify([name, labels]), value]))
}

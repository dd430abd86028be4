import { expectStatus, type TestNode } from './node.ts'

/** The Usage API's own examples as calls: January 2025, and the week before the 24th. */
export type ExampleCall = {
  file_type: string
  output_format: string
  timestamp: string
  status?: 'success' | 'failure'
  error_code?: string
  processing_time_ms: number
  file_size_bytes: number
}
type Formats = [file_type: string, output_format: string, calls: number]

const DAY_23: Formats[] = [
  ['xlsx', 'json', 67],
  ['pdf', 'md', 45],
  ['docx', 'html', 23],
  ['docx', 'md', 21],
]
const OTHER_DAYS: Formats[] = [
  ['xlsx', 'json', 1_654 - 67],
  ['xls', 'md', 198],
  ['xlsm', 'md', 71],
  ['pdf', 'md', 1_154 - 45],
  ['docx', 'md', 116 - 21],
  ['docx', 'html', 698 - 116 - 23],
  ['dotx', 'html', 45],
  ['dotm', 'html', 27],
]
const BYTES = 487_293_847
const LARGEST_BYTES = 49_597_645
const BYTES_OF_DAY_23 = 823 * 1_024 * 156

/** 3,847 conversions, of which 103 failed; 156 on the 23rd, of which 4 failed. */
export function exampleJanuary(): ExampleCall[] {
  return [...day23(), ...otherDays()]
}

function day23(): ExampleCall[] {
  return each(DAY_23).map(([file_type, output_format], index) => ({
    file_type,
    output_format,
    timestamp: at('2025-01-23T08:00:00Z', index * 60),
    status: index < 4 ? 'failure' : 'success',
    // 148 below the 95th percentile, and what makes 1,832 of the average.
    processing_time_ms: index < 148 ? 1_746 + (index === 0 ? 16 : 0) : 3_421,
    file_size_bytes: BYTES_OF_DAY_23 / 156,
  }))
}

function otherDays(): ExampleCall[] {
  const formats = each(OTHER_DAYS)
  const days = Array.from({ length: 31 }, (_, index) => index + 1).filter((day) => day !== 23)
  const left = BYTES - BYTES_OF_DAY_23 - LARGEST_BYTES
  const size = Math.floor(left / (formats.length - 1))
  const rest = left - size * (formats.length - 2)
  return formats.map(([file_type, output_format], index) => {
    const day = String(days[index % days.length]).padStart(2, '0')
    return {
      file_type,
      output_format,
      timestamp: at(`2025-01-${day}T00:00:00Z`, (index * 7) % 36_000),
      status: index < 99 ? 'failure' : 'success',
      processing_time_ms: 1_000 + (index % 1_000),
      file_size_bytes: index === 0 ? LARGEST_BYTES : index === 1 ? rest : size,
    }
  })
}

/** 872 conversions from the 17th to the 24th at 14:32:18, of which 25 failed; 87 on the 24th. */
export function exampleWeek(): ExampleCall[] {
  const errors = [
    ...Array<string>(12).fill('file_too_large'),
    ...Array<string>(8).fill('invalid_format'),
    ...Array<string>(5).fill('processing_timeout'),
  ]
  // Those that failed are on the days before, but for the last.
  return Array.from({ length: 872 }, (_, index) => {
    const error = index === 871 ? errors[24] : index < 24 ? errors[index] : undefined
    return {
      file_type: 'pdf',
      output_format: 'md',
      timestamp: timeInWeek(index),
      ...(error === undefined ? {} : { status: 'failure' as const, error_code: error }),
      processing_time_ms: 1_523,
      file_size_bytes: index === 0 ? Math.round(47.8 * 1_024 * 1_024) : 456 * 1_024,
    }
  })
}

const BEFORE_24 = 872 - 87

function timeInWeek(index: number): string {
  if (index < BEFORE_24) return at(`2025-01-${17 + (index % 7)}T09:00:00Z`, index)
  // Twelve in the last hour, the last of them at 14:28:33.
  const today = index - BEFORE_24
  if (today < 75) return at('2025-01-24T08:00:00Z', today * 60)
  return at('2025-01-24T14:17:33Z', (today - 75) * 60)
}

function each(formats: readonly Formats[]): [file_type: string, output_format: string][] {
  return formats.flatMap(([from, to, calls]) =>
    Array.from({ length: calls }, (): [string, string] => [from, to]),
  )
}

function at(instant: string, seconds: number): string {
  return new Date(Date.parse(instant) + seconds * 1_000).toISOString()
}

/** Sends calls as the service that made them, some at a time. */
export async function sendCalls(
  node: TestNode,
  serviceKey: string,
  tenantId: string,
  calls: readonly object[],
): Promise<void> {
  for (let from = 0; from < calls.length; from += 1_000) {
    const events = calls
      .slice(from, from + 1_000)
      .map((call) => ({ tenant_id: tenantId, endpoint: '/convert', method: 'POST', ...call }))
    const reply = expectStatus(await node.call('POST', '/api/track', serviceKey, events), 200)
    for (const { status } of reply.body.results) {
      if (status !== 200) throw new Error(`a call was answered with ${status}`)
    }
  }
}

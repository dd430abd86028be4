import type { Api } from '../api.ts'
import { type Book, numberOf, type SentEvent } from './book.ts'

const PAGE_ROWS = 500
const MICROS = 1_000_000

type Line = {
  event_id: string
  seq: number
  kind: string
  decision: string
  reason: string | null
  credits: { change: number; remaining: number }
  endpoint?: string
}

type Page = { data: Line[]; next_cursor: string | null }
type Quota = { quota: { used: number }; credits: { remaining: number } }

/**
 * Holds one tenant's log against what was acknowledged: each event once and as it was answered, no
 * other, no gap in the numbers, and credits that add up. Answers what is wrong.
 */
export async function audit(
  api: Api,
  book: Book,
  tenant: number,
  granted: number,
): Promise<string[]> {
  const lines = await wholeLog(api)
  const { quota, credits } = await api.get<Quota>('/api/quota')
  const sent = book.events.filter((event) => event.tenant === tenant)
  const allowed = sent.filter((event) => event.acknowledged?.decision === 'allowed')
  const charged = allowed.reduce((sum, event) => sum + micros(event.acknowledged!.charged), 0)
  const left = micros(granted) - charged
  const id = book.tenants[tenant]!.id
  const broken = [...numbering(lines), ...calls(lines, sent)]
  if (micros(credits.remaining) !== left) {
    broken.push(`${credits.remaining} credits are left, of what was answered ${left / MICROS}`)
  }
  if (quota.used !== allowed.length) {
    broken.push(`${quota.used} calls are counted, ${allowed.length} were allowed`)
  }
  if (lines.some((line) => line.credits.remaining < 0)) broken.push('the balance was below zero')
  return broken.map((what) => `${id}: ${what}`)
}

async function wholeLog(api: Api): Promise<Line[]> {
  const lines: Line[] = []
  let cursor: string | null = null
  do {
    const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page: Page = await api.get<Page>(`/api/entries?limit=${PAGE_ROWS}${after}`)
    lines.push(...page.data)
    cursor = page.next_cursor
  } while (cursor !== null)
  return lines.sort((a, b) => a.seq - b.seq)
}

function numbering(lines: Line[]): string[] {
  const wrong = lines.findIndex((line, i) => line.seq !== i + 1)
  return wrong === -1 ? [] : [`line ${wrong + 1} of the log has number ${lines[wrong]!.seq}`]
}

function calls(lines: Line[], sent: SentEvent[]): string[] {
  const broken: string[] = []
  const open = new Map(sent.map((event) => [event.number, event]))
  for (const line of lines.filter((one) => one.kind === 'call')) {
    const number = numberOf(line.endpoint)
    const event = number === null ? undefined : open.get(number)
    if (event === undefined) {
      broken.push(`line ${line.seq} (${line.endpoint}) was never sent, or is there twice`)
      continue
    }
    open.delete(event.number)
    if (!agrees(line, event)) {
      const answer = JSON.stringify(event.acknowledged)
      broken.push(`line ${line.seq} ${JSON.stringify(line)} was answered ${answer}`)
    }
  }
  for (const event of open.values()) broken.push(`event ${event.number} is not in the log`)
  return broken
}

function agrees(line: Line, event: SentEvent): boolean {
  const answer = event.acknowledged
  return (
    answer !== null &&
    answer.seq === line.seq &&
    answer.eventId === line.event_id &&
    answer.decision === line.decision &&
    answer.reason === line.reason &&
    micros(answer.charged) === -micros(line.credits.change)
  )
}

function micros(credits: number): number {
  return Math.round(credits * MICROS)
}

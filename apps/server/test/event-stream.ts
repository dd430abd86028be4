import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import type { TestContext } from 'node:test'

export type ReceivedEvent = {
  id: string | null
  event: string
  // biome-ignore lint/suspicious/noExplicitAny: data is whatever the server says; tests look into it.
  data: any
}

/** A reader of server-sent events on a socket of its own. */
export type EventReader = {
  response: IncomingMessage
  events: ReceivedEvent[]
  comments: number
  /** What a browser would send in Last-Event-ID, and how long it would wait. */
  lastId: string | null
  retryMs: number | null
  /** Once `done` is so; fails when the stream ends before. */
  until(done: () => boolean): Promise<void>
  /** When the connection is gone, from whatever side. */
  ended: Promise<void>
  close(): void
}

export type Asked = { query?: string; path?: string; headers?: Record<string, string> }

/** Connects, and reads unless told `paused`. What it opens is closed after the test. */
export async function readEvents(
  t: Pick<TestContext, 'after'>,
  url: string,
  key: string,
  { query = '', path = '/api/usage/stream', headers = {} }: Asked = {},
  paused = false,
): Promise<EventReader> {
  const request = http.get(`${url}${path}${query}`, {
    agent: false,
    headers: { authorization: `Bearer ${key}`, ...headers },
  })
  t.after(() => request.destroy())
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const looks = new Set<() => void>()
  const look = () => {
    for (const one of looks) one()
  }
  const ended = new Promise<void>((resolve) => response.once('close', resolve))
  let isOver = false
  void ended.then(() => {
    isOver = true
    look()
  })
  response.on('error', () => undefined)
  const reader: EventReader = {
    response,
    events: [],
    comments: 0,
    lastId: null,
    retryMs: null,
    ended,
    until: (done) =>
      new Promise((resolve, reject) => {
        const check = () => {
          if (!done() && !isOver) return
          looks.delete(check)
          if (done()) resolve()
          else reject(new Error(`the stream ended: ${JSON.stringify(reader.events.slice(-3))}`))
        }
        looks.add(check)
        check()
      }),
    close: () => request.destroy(),
  }
  let text = ''
  const take = (chunk: string) => {
    text += chunk
    const blocks = text.split('\n\n')
    text = blocks.pop()!
    for (const block of blocks) takeBlock(reader, block)
    look()
  }
  response.setEncoding('utf8')
  if (paused) response.pause()
  else response.on('data', take)
  return reader
}

/** As the standard has it: an id alone is no event, but is remembered. */
function takeBlock(reader: EventReader, block: string): void {
  const event: ReceivedEvent = { id: null, event: 'message', data: null }
  for (const line of block.split('\n')) {
    const [name = '', value = ''] = [line.slice(0, line.indexOf(':')), line.replace(/^\w*: ?/, '')]
    if (line.startsWith(':')) reader.comments += 1
    else if (name === 'id') {
      event.id = value
      reader.lastId = value
    } else if (name === 'event') event.event = value
    else if (name === 'data') event.data = JSON.parse(value)
    else if (name === 'retry') reader.retryMs = Number(value)
    else throw new Error(`no line of a stream: ${line}`)
  }
  if (event.data !== null) reader.events.push(event)
}

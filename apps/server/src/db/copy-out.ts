import type { Duplex } from 'node:stream'
import type pg from 'pg'

/** Of each message: what it is, and its length, in which the length itself is counted. */
const TYPE_BYTES = 1
export const MESSAGE_HEAD_BYTES = TYPE_BYTES + 4
const COPY_DATA = 'd'.charCodeAt(0)
const NOTHING = Buffer.alloc(0)

/**
 * Runs a `COPY … TO STDOUT`, whose rows come as bytes and not as objects. It takes no parameters: what
 * stands in `text` must be numbers and times of ours.
 * @param onRows given bytes as they come, good only until it returns: together they are the messages in
 *   which the server sends the rows, each with its head
 */
export function copyOut(
  client: pg.ClientBase,
  text: string,
  onRows: (part: Buffer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new CopyOut(text, onRows, (error) => (error ? reject(error) : resolve())))
  })
}

type Done = (error: Error | null) => void

/** As the driver calls it (pg's lib/client.js). `client.ts` puts its clock around `callback`. */
class CopyOut implements pg.Submittable {
  readonly text: string
  callback: Done
  #onRows: (part: Buffer) => void
  #failure: Error | null = null

  constructor(text: string, onRows: (part: Buffer) => void, callback: Done) {
    this.text = text
    this.#onRows = onRows
    this.callback = callback
  }

  submit(connection: pg.Connection): void {
    takeRows(connection.stream, (part) => this.#take(part))
    connection.query(this.text)
  }

  #take(part: Buffer): void {
    try {
      this.#onRows(part)
    } catch (error) {
      this.#end(error as Error)
    }
  }

  handleCommandComplete(): void {
    // That the server is ready for the next statement is what ends this one.
  }

  handleError(error: Error): void {
    this.#end(error)
    this.callback(error)
  }

  handleReadyForQuery(): void {
    this.#end(this.#failure)
    this.callback(this.#failure)
  }

  /** The connection keeps this until its next COPY; what the rows went to may be large. */
  #end(failure: Error | null): void {
    this.#failure = failure
    this.#onRows = () => undefined
  }
}

/** Who gets the rows that come over a connection. */
type Rows = { taker: (part: Buffer) => void }
const rowsOf = new WeakMap<Duplex, Rows>()

/**
 * From now on takes rows out of what the server sends; the driver gets all the rest. It would make
 * objects for each row, which costs more than all that is done with it here. Stays for good: taken away
 * between two statements, it could leave half a message of those that the server sends unasked.
 */
export function takeRows(stream: Duplex, taker: (part: Buffer) => void): void {
  const known = rowsOf.get(stream)
  if (known !== undefined) {
    known.taker = taker
    return
  }
  const rows: Rows = { taker }
  rowsOf.set(stream, rows)
  const toDriver = stream.listeners('data') as ((part: Buffer) => void)[]
  const messages = new Messages((type, part) => {
    if (type === COPY_DATA) rows.taker(part)
    else for (const listener of toDriver) listener(part)
  })
  for (const listener of toDriver) stream.off('data', listener)
  stream.on('data', (chunk: Buffer) => messages.add(chunk))
}

/** Tells messages of one type from those of another, and leaves them in pieces as they come. */
class Messages {
  readonly #onPart: (type: number, part: Buffer) => void
  /** The end of a chunk that is less than a head. */
  #rest: Buffer = NOTHING
  #type = 0
  /** Of the message under way, what is to come. */
  #missing = 0

  constructor(onPart: (type: number, part: Buffer) => void) {
    this.#onPart = onPart
  }

  add(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let begun = 0
    let at = this.#missing
    while (at + MESSAGE_HEAD_BYTES <= bytes.length) {
      const type = bytes[at]!
      if (type !== this.#type) {
        if (begun < at) this.#onPart(this.#type, bytes.subarray(begun, at))
        begun = at
        this.#type = type
      }
      at += TYPE_BYTES + bytes.readInt32BE(at + TYPE_BYTES)
    }
    const end = Math.min(at, bytes.length)
    if (begun < end) this.#onPart(this.#type, bytes.subarray(begun, end))
    this.#missing = at - end
    this.#rest = bytes.subarray(end)
  }
}

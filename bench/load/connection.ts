import { connect, type Socket } from 'node:net'
import { type Reply, ReplyReader } from './reply.ts'

const READ_BYTES = 256 * 1024

/** One buffer for the reads of all connections: each read is used up before the next one begins. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES)

export type ConnectionEvents = {
  onReply(connection: Connection, reply: Reply): void
  /** The connection is lost; a request without an answer is lost with it. */
  onLost(connection: Connection, error: Error): void
}

/** A keep-alive HTTP/1.1 connection with one request at a time, made of as little as Node lets us. */
export class Connection {
  readonly index: number
  readonly #socket: Socket
  readonly #reader = new ReplyReader()
  #closed = false

  private constructor(index: number, socket: Socket) {
    this.index = index
    this.#socket = socket
  }

  static open(
    options: { host: string; port: number; index: number },
    events: ConnectionEvents,
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: options.host,
        port: options.port,
        noDelay: true,
        onread: { buffer: readBuffer, callback: (size) => connection.#read(size, events) },
      })
      const connection = new Connection(options.index, socket)
      const lose = (error: Error): void => {
        reject(error)
        if (connection.#closed) return
        connection.#closed = true
        socket.destroy()
        events.onLost(connection, error)
      }
      socket.once('connect', () => resolve(connection))
      socket.on('error', lose)
      socket.on('close', () => lose(new Error('the server closed the connection')))
    })
  }

  get isOpen(): boolean {
    return !this.#closed
  }

  send(request: Buffer): void {
    this.#socket.write(request)
  }

  close(): void {
    this.#closed = true
    this.#socket.destroy()
  }

  #read(size: number, events: ConnectionEvents): boolean {
    try {
      const reply = this.#reader.read(readBuffer, size)
      if (reply !== null) events.onReply(this, reply)
    } catch (error) {
      this.#socket.destroy(error as Error)
    }
    return true
  }
}

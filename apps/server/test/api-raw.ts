import { connect, type Socket } from 'node:net'

export type RawReply = { status: number; headers: Map<string, string>; body: string }

/** A connection on which a test writes bytes, and reads the replies one by one. */
export type RawConnection = {
  write(bytes: string | Uint8Array): void
  /** The next reply; null when the server closed the connection instead. */
  reply(): Promise<RawReply | null>
  closed(): Promise<void>
  destroy(): void
}

export async function rawConnection(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  // A server that closes while it is being written to resets the connection: that is an answer too.
  socket.on('error', () => undefined)
  await new Promise((resolve) => socket.once('connect', resolve))
  const next = replies(socket)
  return {
    write: (bytes) => void socket.write(bytes),
    reply: async () => (await next.next()).value ?? null,
    closed: () => closed,
    destroy: () => socket.destroy(),
  }
}

async function* replies(socket: Socket): AsyncGenerator<RawReply> {
  let received = Buffer.alloc(0)
  try {
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer])
      for (;;) {
        const found = firstReply(received)
        if (found === null) break
        received = received.subarray(found.bytes)
        yield found.reply
      }
    }
  } catch {
    // Reset: there is no further reply.
  }
}

function firstReply(received: Buffer): { reply: RawReply; bytes: number } | null {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return null
  const [first = '', ...lines] = received.subarray(0, end).toString('latin1').split('\r\n')
  const headers = new Map(
    lines.map((line) => [
      line.split(':')[0]!.toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  )
  const from = end + 4
  const to = from + Number(headers.get('content-length') ?? 0)
  if (received.length < to) return null
  const status = Number(first.split(' ')[1])
  return { reply: { status, headers, body: received.subarray(from, to).toString() }, bytes: to }
}

import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

/** A way to a database that a test can cut. */
export type Proxy = {
  /** The URL of the database, by way of the proxy. */
  url: string
  /** Connections break, and new ones are refused. */
  cut(): Promise<void>
  restore(): Promise<void>
  /** What the database answers is no longer passed on. */
  muffle(): void
}

export async function proxyTo(databaseUrl: string): Promise<Proxy & { close(): Promise<void> }> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let muffled = false
  const server = createServer((socket) => {
    const upstream = connect(Number(target.port), target.hostname)
    for (const [end, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      sockets.add(end)
      end.on('error', () => undefined)
      end.on('close', () => {
        sockets.delete(end)
        other.destroy()
      })
    }
    socket.on('data', (bytes) => upstream.write(bytes))
    upstream.on('data', (bytes) => {
      if (!muffled) socket.write(bytes)
    })
  })
  const listen = (port: number) =>
    new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()))
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  await listen(0)
  const { port } = server.address() as AddressInfo
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${port}`
  return {
    url: url.href,
    cut: close,
    async restore() {
      muffled = false
      await listen(port)
    },
    muffle() {
      muffled = true
    },
    close: () => (server.listening ? close() : Promise.resolve()),
  }
}

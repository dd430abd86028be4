import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Settings } from './lib/settings.ts'

/** Where people's browsers reach this node, without a slash at the end; known when it listens. */
export function publicUrlOf(settings: Pick<Settings, 'publicUrl'>, server: Server): string {
  if (settings.publicUrl !== null) return settings.publicUrl
  const { address, family, port } = server.address() as AddressInfo
  if (address === '0.0.0.0' || address === '::') return `http://localhost:${port}`
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

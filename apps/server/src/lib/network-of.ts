import { isIPv4, isIPv6 } from 'node:net'

const GROUPS = 8
const GROUPS_OF_NETWORK = 4

/**
 * What an address is counted under: IPv4 by itself, IPv6 by its /64, since whoever has one address
 * of it has them all and could come with another each time.
 */
export function networkOf(address: string): string {
  if (isIPv4(address)) return address
  const [bare = ''] = address.split('%')
  if (!isIPv6(bare)) return address
  const [, ipv4] = /^::ffff:([\d.]+)$/i.exec(bare) ?? []
  if (ipv4 !== undefined) return ipv4
  const groups = groupsOf(bare).slice(0, GROUPS_OF_NETWORK)
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}

function groupsOf(address: string): string[] {
  const [before = '', after] = address.split('::').map((part) => part.split(':').filter(Boolean))
  if (after === undefined) return [...before]
  const missing = GROUPS - before.length - after.length
  return [...before, ...Array<string>(Math.max(0, missing)).fill('0'), ...after]
}

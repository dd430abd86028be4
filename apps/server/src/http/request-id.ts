import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

const PROCESS_ID = randomBytes(6).toString('hex')
let requests = 0

/** The sender's id if it is a decent one, so that both logs can be joined; else one of ours, unique by process and count. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = headers['x-request-id']
  if (typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given)) return given
  requests += 1
  return `${PROCESS_ID}-${requests}`
}

import { eventJson, placesIn } from './event.ts'
import type { LoadTenant, ReadRequests, TrackRequests } from './plan.ts'
import { UuidWriter } from './uuid.ts'

/** Makes the bytes of one connection's next request. */
export type RequestSource = {
  readonly eventsPerRequest: number
  /** Valid until the next call: the same bytes are overwritten, which is safe once they were answered. */
  next(): Buffer
}

const uuids = new UuidWriter()

/** The requests of one connection; `connection` only shifts which tenant comes first. */
export function requestSource(
  requests: TrackRequests | ReadRequests,
  authority: string,
  connection: number,
): RequestSource {
  if (requests.kind === 'read') return readSource(requests, authority, connection)
  return trackSource(requests, authority, connection)
}

function readSource(requests: ReadRequests, authority: string, first: number): RequestSource {
  const buffers = requests.tenants.map((tenant) =>
    Buffer.from(headOf('GET', requests.path, authority, tenant.authorization, null), 'latin1'),
  )
  let turn = first
  return { eventsPerRequest: 0, next: () => buffers[turn++ % buffers.length]! }
}

function trackSource(
  requests: TrackRequests,
  authority: string,
  connection: number,
): RequestSource {
  const tenants = sameLength(requests.tenants)
  const template = trackTemplate(requests, authority, connection)
  const { buffer, keys, tenantPlaces, authorizationPlace } = template
  const authorizationsDiffer = tenants.some(
    (tenant) => !tenant.authorization.equals(tenants[0]!.authorization),
  )
  if (authorizationsDiffer && requests.spread === 'mixed' && requests.eventsPerRequest > 1) {
    throw new Error('A request with a tenant key can only carry that tenant: use --spread tenant.')
  }
  const writeTenants = tenants.length > 1
  const next = (): Buffer => {
    const nowMs = Date.now()
    for (const place of keys) uuids.write(buffer, place, nowMs)
    if (!writeTenants) return buffer
    let tenant = anyOf(tenants)
    if (authorizationsDiffer) tenant.authorization.copy(buffer, authorizationPlace)
    for (const place of tenantPlaces) {
      tenant.id.copy(buffer, place)
      if (requests.spread === 'mixed') tenant = anyOf(tenants)
    }
    return buffer
  }
  return { eventsPerRequest: requests.eventsPerRequest, next }
}

/** The bytes of a request with the places in it that change each time. */
function trackTemplate(requests: TrackRequests, authority: string, connection: number) {
  const { tenants, shape, eventsPerRequest } = requests
  const { id, authorization } = tenants[0]!
  const events = Array.from({ length: eventsPerRequest }, (_, i) =>
    eventJson(shape, id, connection + i),
  )
  const single = eventsPerRequest === 1
  const body = single ? events[0]! : `[${events.join(',')}]`
  const head = headOf('POST', requests.path, authority, authorization, body.length)
  const keys: number[] = []
  const tenantPlaces: number[] = []
  let offset = head.length + (single ? 0 : 1)
  for (const event of events) {
    const places = placesIn(event, id)
    keys.push(offset + places.key)
    tenantPlaces.push(offset + places.tenant)
    offset += event.length + 1
  }
  const buffer = Buffer.from(head + body, 'latin1')
  return { buffer, keys, tenantPlaces, authorizationPlace: head.indexOf(authorization) }
}

function headOf(
  method: string,
  path: string,
  authority: string,
  authorization: string,
  bodyBytes: number | null,
): string {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${authority}`,
    `Authorization: ${authorization}`,
  ]
  if (bodyBytes !== null) {
    lines.push('Content-Type: application/json', `Content-Length: ${bodyBytes}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}

function sameLength(tenants: LoadTenant[]): { id: Buffer; authorization: Buffer }[] {
  const first = tenants[0]
  if (first === undefined) throw new Error('A load plan needs at least one tenant.')
  for (const { id, authorization } of tenants) {
    if (id.length !== first.id.length || authorization.length !== first.authorization.length) {
      throw new Error(`Ids and keys are overwritten in place and must be equally long: ${id}`)
    }
  }
  return tenants.map(({ id, authorization }) => ({
    id: Buffer.from(id, 'latin1'),
    authorization: Buffer.from(authorization, 'latin1'),
  }))
}

function anyOf<T>(values: T[]): T {
  return values[Math.floor(Math.random() * values.length)]!
}

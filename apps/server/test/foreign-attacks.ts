import { BATCHED, type Sent, STRUCTURED } from './api-request.ts'

/** What belongs to a tenant and could be guessed or leak. */
export type Ids = {
  tenant: string
  hold: string
  event: string
  key: string
  member: string
  invitation: string
  invoice: string
}
export type Attack = { expect: number; sent(ids: Ids): Sent }

const cloudEvent = (subject: string) => ({
  specversion: '1.0',
  id: crypto.randomUUID(),
  source: 's',
  type: 't',
  subject,
})
const get = (path: (ids: Ids) => string, expect = 404): Attack => ({
  expect,
  sent: (ids) => ({ method: 'GET', path: path(ids) }),
})
const post = (
  path: (ids: Ids) => string,
  body: (ids: Ids) => unknown,
  expect = 404,
  headers = {},
): Attack => ({
  expect,
  sent: (ids) => ({ method: 'POST', path: path(ids), body: body(ids), headers }),
})

const patch = (path: (ids: Ids) => string, body: unknown, expect = 404): Attack => ({
  expect,
  sent: (ids) => ({ method: 'PATCH', path: path(ids), body }),
})
const remove = (path: (ids: Ids) => string, expect = 404): Attack => ({
  expect,
  sent: (ids) => ({ method: 'DELETE', path: path(ids) }),
})

import { USAGE } from './api-operations.ts'
import type { Sent } from './api-request.ts'

/** What belongs to a tenant and could be guessed or leak. */
export type Ids = {
  tenant: string
  hold: string
  event: string
  key: string
  member: string
  invitation: string
}
export type Attack = { expect: number; sent(ids: Ids): Sent }

export const get = (path: (ids: Ids) => string, expect = 404): Attack => ({
  expect,
  sent: (ids) => ({ method: 'GET', path: path(ids) }),
})
export const post = (
  path: (ids: Ids) => string,
  body: (ids: Ids) => unknown,
  expect = 404,
  headers = {},
): Attack => ({
  expect,
  sent: (ids) => ({ method: 'POST', path: path(ids), body: body(ids), headers }),
})

export const patch = (path: (ids: Ids) => string, body: unknown, expect = 404): Attack => ({
  expect,
  sent: (ids) => ({ method: 'PATCH', path: path(ids), body }),
})
export const remove = (path: (ids: Ids) => string, expect = 404): Attack => ({
  expect,
  sent: (ids) => ({ method: 'DELETE', path: path(ids) }),
})

/** On each reading of the Usage API. */
export function attacksOnUsage(): Record<string, Attack[]> {
  const attacks = USAGE.flatMap((name) => [
    [`GET /api/usage/${name}`, [get(({ tenant }) => `/api/usage/${name}?tenant_id=${tenant}`)]],
    [
      `GET /api/admin/tenants/{id}/usage/${name}`,
      [get(({ tenant }) => `/api/admin/tenants/${tenant}/usage/${name}`, 403)],
    ],
  ])
  return Object.fromEntries(attacks)
}

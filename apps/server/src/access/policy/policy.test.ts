import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { KEY_SCOPES, MEMBER_ROLES, STAFF_ROLES } from '@tollgate/contract'
import type { Role } from '../../lib/caller.ts'
import { Policy } from './policy.ts'

const policy = await Policy.load()
const ROLES: Role[] = [
  'anyone',
  'person',
  'service',
  ...STAFF_ROLES,
  ...MEMBER_ROLES,
  ...KEY_SCOPES.map((scope) => `key_${scope}` as const),
]

test('Casbin decides exactly what the rows of the file say, for every role, object and action', async () => {
  const text = await readFile(new URL('policy.csv', import.meta.url), 'utf8')
  const rows = new Set(text.split('\n').filter((line) => line.startsWith('p, ')))
  const permissions = [...rows].map((row) => row.split(', '))
  for (const [, , object, action] of permissions) {
    const open = rows.has(`p, anyone, ${object}, ${action}`)
    for (const role of ROLES) {
      const expected = open || rows.has(`p, ${role}, ${object}, ${action}`)
      const asked = { object: object!, action: action! }
      assert.equal(policy.permits([role], asked), expected, `${role} ${object} ${action}`)
      // The second answer comes from memory.
      assert.equal(policy.permits([role], asked), expected)
    }
  }
})

test('the file names no role twice for the same thing, and none that nobody can have', () => {
  const rows = policy.rows.map(({ role, object, action }) => `${role} ${object} ${action}`)
  assert.equal(new Set(rows).size, rows.length)
  for (const { role } of policy.rows) assert.ok(ROLES.includes(role), role)
})

test('what no row names is refused to everybody', () => {
  assert.equal(policy.permits(ROLES, { object: 'usage', action: 'write' }), false)
  assert.equal(policy.permits(ROLES, { object: 'moon', action: 'read' }), false)
  assert.equal(policy.permits([], { object: 'usage', action: 'read' }), false)
})

test('who has no role may do what everybody may', () => {
  assert.ok(policy.permits([], { object: 'health', action: 'read' }))
  assert.ok(policy.isPublic({ object: 'sign_in', action: 'write' }))
  assert.equal(policy.isPublic({ object: 'profile', action: 'read' }), false)
})

test('nobody but the admin writes what is not their own tenant’s', () => {
  const operators = ['tenants', 'credits', 'services', 'plans', 'staff', 'signing_keys']
  const writers = policy.rows.filter(
    ({ object, action }) => operators.includes(object) && action === 'write',
  )
  assert.deepEqual([...new Set(writers.map(({ role }) => role))], ['admin'])
})

test('support reads, asks what would be, and writes nothing', () => {
  const actions = policy.rows.filter(({ role }) => role === 'support').map(({ action }) => action)
  assert.deepEqual([...new Set(actions)].sort(), ['backtest', 'read'])
})

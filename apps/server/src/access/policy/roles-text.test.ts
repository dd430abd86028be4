import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { checkRoles } from '../../roles-command.ts'
import type { PolicyRow } from './policy.ts'
import { rolesText } from './roles-text.ts'

const rows: PolicyRow[] = [
  { role: 'anyone', object: 'health', action: 'read' },
  { role: 'owner', object: 'keys', action: 'write' },
  { role: 'viewer', object: 'usage', action: 'read' },
  { role: 'owner', object: 'usage', action: 'read' },
]
const operations = [
  { operation: 'GET /health', access: 'health:read' },
  { operation: 'GET /api/quota', access: 'usage:read' },
  { operation: 'GET /api/usage/summary', access: 'usage:read' },
]

test('there is a tick for every row of the policy and none else, and each operation stands where it asks', () => {
  const lines = rolesText(rows, operations).split('\n')
  for (const line of [
    '|             | anyone | owner | viewer |',
    '| ----------- | ------ | ----- | ------ |',
    '| health:read | ✓      |       |        |',
    '| keys:write  |        | ✓     |        |',
    '| usage:read  |        | ✓     | ✓      |',
    '- health:read: `GET /health`',
    '- usage:read: `GET /api/quota`, `GET /api/usage/summary`',
  ]) {
    assert.ok(lines.includes(line), line)
  }
})

test('the table that is committed is the one of the policy and the routes', async () => {
  assert.equal(await checkRoles(), 0, 'write it with: npm run tollgate -- roles')
})

test('the table has as many ticks as the policy has rows', async () => {
  const policy = await readFile(new URL('policy.csv', import.meta.url), 'utf8')
  const table = await readFile(new URL('ROLES.md', import.meta.url), 'utf8')
  const ticks = [...table.matchAll(/(?<=\| )✓/g)].length
  assert.equal(ticks, policy.split('\n').filter((line) => line.startsWith('p, ')).length)
})

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { DENIAL_REASONS, PROBLEMS } from '@tollgate/contract'

const readme = readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8')
const rows = readme.split('\n').filter((line) => line.startsWith('|'))

test('the README has each reason of a denial in a row, and each problem in one', () => {
  for (const reason of DENIAL_REASONS) {
    assert.equal(rows.filter((row) => row.startsWith(`| \`${reason}\` `)).length, 1, reason)
  }
  for (const [code, { status }] of Object.entries(PROBLEMS)) {
    const named = rows.filter((row) => /^\| \d{3}/.test(row) && row.includes(`\`${code}\``))
    const statuses = named.map((row) => row.split('|')[1]?.trim().split(', ').map(Number))
    assert.equal(statuses.length, 1, code)
    assert.ok(statuses[0]?.includes(status), code)
  }
})

test('no curl of the README sends a header within a header', () => {
  for (const name of readme.matchAll(/^([A-Z]+)='authorization: Bearer /gm)) {
    assert.ok(!readme.includes(`Bearer $${name[1]}`), name[0])
  }
})

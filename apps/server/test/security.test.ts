import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../../..')
const document = readFileSync(join(root, 'SECURITY.md'), 'utf8')

/** Each threat, with the tests below it: `file.test.ts`: name. */
const threats = document
  .slice(document.indexOf('## Threat model'), document.indexOf('## What is not there'))
  .split(/^- (?=\*\*)/m)
  .slice(1)
const named = threats.flatMap((threat) =>
  [...threat.matchAll(/^ {2}- (`.+)$/gm)].map(([, one]) => one!),
)

test('every threat of the threat model names tests', () => {
  assert.ok(threats.length > 20)
  for (const threat of threats) assert.match(threat, /^ {2}- `[\w/-]+\.test\.ts`: .+$/m, threat)
})

for (const one of new Set(named)) {
  test(`there is a test as SECURITY.md names it: ${one}`, () => {
    const [, file, name] = /^`([\w/-]+\.test\.ts)`: (.+)$/.exec(one) ?? []
    assert.ok(file !== undefined && name !== undefined, one)
    const titles = titlesIn(file)
    // A part that differs from test to test is written as three dots.
    const pieces = name.split('… ').flatMap((piece) => piece.split(' …'))
    assert.ok(
      titles.some((title) => pieces.every((piece) => title.includes(piece))),
      `${file} has ${titles.join('\n')}`,
    )
  })
}

function titlesIn(file: string): string[] {
  const path = file.startsWith('test/') ? `apps/server/${file}` : `apps/server/src/${file}`
  const text = readFileSync(join(root, path), 'utf8')
  return [...text.matchAll(/^\s*test\(\s*(.+)$/gm)].map(([, title]) => title!)
}

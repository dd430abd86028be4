import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compilePathPattern, compileWildcards } from './pattern.ts'

test('a star stands for any rest, slashes included', () => {
  const table: [string, string[], string[]][] = [
    ['*', ['/', '/a', '/a/b'], []],
    ['/*', ['/', '/a', '/a/b'], []],
    ['/convert', ['/convert'], ['/convert/x', '/converts', '/Convert', '/']],
    ['/convert/', ['/convert'], ['/convert/x']],
    ['/bulk/*', ['/bulk', '/bulk/a', '/bulk/a/b'], ['/bulks', '/a/bulk/b']],
    ['/v*/bulk', ['/v1/bulk', '/v1/x/bulk'], ['/bulk', '/v1/bulk/x']],
    ['/users/*/export', ['/users/1/export', '/users/a/b/export'], ['/users/export']],
    ['*.pdf', ['/a.pdf', '/a/b.pdf'], ['/a.pdf/b']],
    ['/a.c', ['/a.c'], ['/abc']],
  ]
  for (const [pattern, matching, others] of table) {
    const matches = compilePathPattern(pattern)
    for (const path of matching) assert.equal(matches(path), true, `${pattern} takes ${path}`)
    for (const path of others) assert.equal(matches(path), false, `${pattern} leaves ${path}`)
  }
})

test('matching agrees with a regular expression', () => {
  const letters = fc.array(fc.constantFrom('a', 'b', '/', '*'), { maxLength: 8 })
  const texts = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 10 })
  fc.assert(
    fc.property(letters, texts, (pattern, text) => {
      const expected = new RegExp(`^${pattern.join('').replaceAll('*', '.*')}$`).test(text.join(''))
      assert.equal(compileWildcards(pattern.join(''))(text.join('')), expected)
    }),
    { numRuns: 2_000 },
  )
})

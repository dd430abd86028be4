import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { normalisePath } from './path.ts'

test('every way to write a path comes out the same', () => {
  const ways = [
    '/bulk/export',
    '/bulk/export/',
    '//bulk///export',
    '/./bulk/./export/.',
    '/x/../bulk/y/../export',
    '/../../bulk/export',
    '/bulk/export?format=pdf',
    '/bulk/export#top',
    '/%62ulk/%65xport',
    '/bulk%2Fexport',
    '/bulk%2fexport',
    '/%2562ulk/export',
    '/x/%2e%2E/bulk/export',
    '/x/..%2Fbulk/export',
    '/x/%252e%252e/bulk/export',
    '\\bulk\\export',
    '/bulk;v=1/export;a=b',
    'bulk/export',
    ' /bulk/export\n',
    'https://api.example.com/bulk/export',
    'HTTPS://user@api.example.com:8080/bulk/export?x=/y',
  ]
  for (const way of ways) assert.equal(normalisePath(way), '/bulk/export', way)
})

test('paths that mean something else stay different', () => {
  const table: [string, string][] = [
    ['/Bulk/Export', '/Bulk/Export'],
    ['/bulkexport', '/bulkexport'],
    ['/bulk/export.pdf', '/bulk/export.pdf'],
    ['/bulk/...', '/bulk/...'],
    ['/dünn/☃', '/dünn/☃'],
    ['/d%C3%BCnn', '/dünn'],
    ['/100%', '/100%'],
    ['/?a', '/'],
    ['/', '/'],
    ['', '/'],
    ['/..', '/'],
  ]
  for (const [written, expected] of table) assert.equal(normalisePath(written), expected, written)
})

test('escapes that are no text hide nothing beside them', () => {
  assert.equal(normalisePath('/bul%6B%2F%FF'), '/bulk/\ufffd')
})

test('what is normal stays as it is, and nothing is refused', () => {
  const pieces = fc.constantFrom(
    '/',
    '.',
    '..',
    '%2e',
    '%25',
    '%',
    '\\',
    ';',
    '?',
    'a',
    'B',
    ' ',
    'é',
    ':',
    '*',
  )
  const written = fc.oneof(
    fc.array(pieces, { maxLength: 30 }).map((all) => all.join('')),
    fc.string(),
  )
  fc.assert(
    fc.property(written, (text) => {
      const path = normalisePath(text)
      assert.match(path, /^\//)
      assert.doesNotMatch(path, /\/\/|.\/$|\/\.\.?(\/|$)/)
    }),
  )
})

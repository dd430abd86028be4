import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CODINGS, codingFor } from './coding.ts'

const LIKED: [header: string | undefined, coding: string][] = [
  [undefined, 'identity'],
  ['', 'identity'],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['GZIP', 'gzip'],
  ['gzip, deflate', 'gzip'],
  ['gzip, deflate, br, zstd', 'zstd'],
  ['gzip;q=1.0, br;q=0.5', 'gzip'],
  ['gzip;q=0.2 , br; q=0.3', 'br'],
  ['*', 'zstd'],
  ['*;q=0.5, zstd;q=0', 'br'],
  ['gzip;q=0', 'identity'],
  ['identity, gzip;q=0.5', 'identity'],
  ['identity;q=0.5, gzip;q=0.5', 'gzip'],
  ['identity;q=0, *;q=0', 'identity'],
  ['deflate', 'identity'],
  ['gzip;q=2', 'identity'],
  ['gzip;level=9', 'identity'],
]

for (const [header, coding] of LIKED) {
  test(`who accepts "${header}" gets ${coding}`, () => {
    assert.equal(codingFor(header), coding)
  })
}

test('whatever a header says, it is answered with something there is', () => {
  fc.assert(
    fc.property(fc.string(), (header) => {
      assert.ok(['identity', ...CODINGS].includes(codingFor(header)))
    }),
  )
})

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { derivedKey, fingerprintOf, makeIdempotencyKey, storedKey } from './idempotency.ts'

const hex = (stored: string) => Buffer.from(stored, 'latin1').toString('hex')

test('every key is stored in 16 bytes, and the same key in the same ones', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 255 }), (key) => {
      assert.equal(Buffer.from(storedKey(key), 'latin1').length, 16)
      assert.equal(storedKey(key), storedKey(key))
    }),
  )
})

test('a UUID keeps its bits, so that those of version 7 are stored in their order', () => {
  const key = randomUUID()
  assert.equal(hex(storedKey(key)), key.replaceAll('-', ''))
  const made = Array.from({ length: 100 }, makeIdempotencyKey)
  const stored = made.map((one) => hex(storedKey(one)))
  const milliseconds = stored.map((one) => one.slice(0, 12))
  assert.deepEqual(milliseconds, [...milliseconds].sort())
  assert.equal(new Set(stored).size, 100)
})

test('keys that only look alike are different keys', () => {
  const uuid = '0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'
  const alike = [
    uuid,
    uuid.toUpperCase(),
    uuid.replaceAll('-', ''),
    `${uuid} `,
    ` ${uuid}`,
    `{${uuid}}`,
  ]
  alike.push('1', '01', 'a', 'A', 'é', 'e\u0301', '', ' ')
  assert.equal(new Set(alike.map(storedKey)).size, alike.length)
})

test('a key that Tollgate derives is no key that a sender can send', () => {
  assert.equal(derivedKey('void', 7), derivedKey('void', 7))
  const derived = [derivedKey('void', 7), derivedKey('void', 77), derivedKey('close', 7)]
  const sent = ['void7', 'void 7', 'void\u00007', 'void', '7'].map(storedKey)
  assert.equal(new Set([...derived, ...sent]).size, derived.length + sent.length)
})

test('a fingerprint fits a 32-bit column, and tells fields from each other', () => {
  const parts = fc.array(fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)))
  fc.assert(
    fc.property(parts, (some) => {
      const fingerprint = fingerprintOf(some)
      assert.equal(fingerprint, fingerprint | 0)
      assert.equal(fingerprint, fingerprintOf([...some]))
    }),
  )
  const different = [['ab', 'c'], ['a', 'bc'], ['a', 'b', 'c'], ['abc'], ['abc', null], [1n], [-1]]
  assert.equal(new Set(different.map(fingerprintOf)).size, different.length)
})

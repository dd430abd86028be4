import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printable } from './printable.ts'

test('a name cannot turn round what is beside it, nor hide in controls', () => {
  assert.equal(printable('Pay \u202e00.52\u202c now'), 'Pay 00.52 now')
  assert.equal(printable('\u2066a\u2069\u0000b\u001bc\u007f\u0085'), 'abc')
  assert.equal(printable('\ufeffAcme'), 'Acme')
})

test('a name is a line', () => {
  assert.equal(printable(' two\r\nlines\u2028and\tmore\u00a0 '), 'two lines and more')
})

test('half a character is shown as one that is missing', () => {
  assert.equal(printable('a\ud800b'), 'a\ufffdb')
})

test('joiners and marks of honest text stay', () => {
  for (const text of ['می‌خواهم', 'क्‍ष', '👩‍💻', 'א\u200e(1)']) assert.equal(printable(text), text)
})

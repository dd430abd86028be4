import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BoundedMap } from './bounded-map.ts'

test('it is never fuller than it may be, and has at least the half that was looked at last', () => {
  const keys = fc.array(fc.integer({ min: 0, max: 60 }).map(String), { maxLength: 400 })
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 30 }), keys, (max, looked) => {
      const map = new BoundedMap<string>(max)
      for (const key of looked) {
        if (map.get(key) === undefined) map.set(key, key)
        assert.ok(map.size <= max + 1, `${map.size} of ${max}`)
      }
      const last = [...new Set(looked.toReversed())].slice(0, Math.floor(max / 2))
      for (const key of last) assert.equal(map.get(key), key)
    }),
  )
})

test('what was set again is the new one, and what was deleted is gone, wherever it was', () => {
  const map = new BoundedMap<number>(4)
  for (const key of ['a', 'b', 'c']) map.set(key, 1)
  map.set('a', 2)
  assert.equal(map.get('a'), 2)
  for (const key of ['a', 'b', 'c']) assert.equal(map.delete(key), true)
  assert.equal(map.delete('a'), false)
  assert.equal(map.size, 0)
})

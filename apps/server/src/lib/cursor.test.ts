import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeCursor, decodeCursorOf, encodeCursor, page } from './cursor.ts'

test('a cursor leads back to its position', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999_999_999 }), (position) => {
      assert.equal(decodeCursor(encodeCursor(position)), position)
    }),
  )
})

test('a place of several numbers leads back too, and is none of a list with fewer or more', () => {
  const number = fc.integer({ min: 0, max: 999_999_999_999_999 })
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 5 }), (place) => {
      const cursor = encodeCursor(...place)
      assert.deepEqual(decodeCursorOf(place.length, cursor), place)
      assert.throws(() => decodeCursorOf(place.length + 1, cursor))
      assert.throws(() => decodeCursorOf(place.length - 1, cursor))
    }),
  )
})

test('no cursor is the beginning', () => {
  assert.equal(decodeCursor(undefined), null)
})

test('what the server has not made is refused, and the field is named', () => {
  const made = (text: string) => Buffer.from(text).toString('base64url')
  const bad = ['', 'x', '12', '💥', made('-1'), made('1.5'), made('1e3'), made('0x1'), made(' 1')]
  bad.push(made('01'), made(''), made('9'.repeat(16)), `${encodeCursor(7)}=`, `${encodeCursor(7)} `)
  for (const cursor of bad) {
    assert.throws(
      () => decodeCursor(cursor),
      (error: { code?: string; errors?: { field: string }[] }) =>
        error.code === 'invalid_request' && error.errors?.[0]?.field === 'cursor',
      cursor,
    )
  }
})

test('pages cut a list into parts that follow each other, and the last one says that it is', () => {
  fc.assert(
    fc.property(fc.nat({ max: 40 }), fc.integer({ min: 1, max: 7 }), (length, limit) => {
      const list = Array.from({ length }, (_, index) => index + 1)
      const seen: number[] = []
      let cursor: string | undefined
      for (;;) {
        const after = decodeCursor(cursor) ?? 0
        const read = list.filter((row) => row > after).slice(0, limit + 1)
        const { rows, nextCursor } = page(read, limit, (row) => row)
        assert.ok(rows.length <= limit)
        seen.push(...rows)
        if (nextCursor === null) break
        cursor = nextCursor
      }
      assert.deepEqual(seen, list)
    }),
  )
})

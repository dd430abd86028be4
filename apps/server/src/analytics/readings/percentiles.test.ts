import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bucketOf } from '../histogram.ts'
import { percentilesFrom } from './percentiles.ts'

const values = fc.array(fc.nat({ max: 10_000_000 }), { maxLength: 200 })

test('percentiles are those of the calls themselves, within 1 %, however they are spread over rows', () => {
  fc.assert(
    fc.property(fc.array(values, { maxLength: 5 }), (rows) => {
      const [found] = percentilesFrom(
        rows.filter((row) => row.length > 0).map((row) => rowOf(1, row)),
        1,
      )
      const all = rows.flat().sort((a, b) => a - b)
      for (const [name, part] of [
        ['p50', 50],
        ['p95', 95],
        ['p99', 99],
      ] as const) {
        const exact = all[Math.ceil((all.length * part) / 100) - 1] ?? null
        if (exact === null) assert.equal(found![name], null)
        else assert.ok(Math.abs(found![name]! - exact) <= exact * 0.01, `${found![name]} ${exact}`)
      }
    }),
  )
})

test('places have each their own, and none where no call told it', () => {
  const [one, two, three] = percentilesFrom([rowOf(3, [200]), rowOf(1, [100])], 3)
  assert.ok(Math.abs(one!.p50! - 100) <= 1)
  assert.deepEqual(two, { p50: null, p95: null, p99: null })
  assert.ok(Math.abs(three!.p50! - 200) <= 2)
})

test('what voids took out again counts no more', () => {
  const [taken] = percentilesFrom([rowOf(1, [5, 900]), { ...rowOf(1, [900]), calls: '{-1}' }], 1)
  assert.ok(Math.abs(taken!.p99! - 5) <= 0.05)
  const [none] = percentilesFrom([rowOf(1, [5]), { ...rowOf(1, [5]), calls: '{-1}' }], 1)
  assert.deepEqual(none, { p50: null, p95: null, p99: null })
})

/** As PostgreSQL writes arrays. */
function rowOf(place: number, amounts: readonly number[]) {
  const buckets = amounts.map(bucketOf).join(',')
  return { place, buckets: `{${buckets}}`, calls: `{${amounts.map(() => 1).join(',')}}` }
}

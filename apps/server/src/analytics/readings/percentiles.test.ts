import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bucketOf } from '../histogram.ts'
import { type Histogram, mergedHistogram, percentilesOf } from './percentiles.ts'

const values = fc.array(fc.nat({ max: 10_000_000 }), { maxLength: 200 })

test('percentiles are those of the calls themselves, within 1 %, however they are spread over histograms', () => {
  fc.assert(
    fc.property(fc.array(values, { maxLength: 5 }), (parts) => {
      const found = percentilesOf(mergedHistogram(parts.map(histogramOf)))
      const all = parts.flat().sort((a, b) => a - b)
      for (const [name, part] of [
        ['p50', 50],
        ['p95', 95],
        ['p99', 99],
      ] as const) {
        const exact = all[Math.ceil((all.length * part) / 100) - 1] ?? null
        if (exact === null) assert.equal(found[name], null)
        else assert.ok(Math.abs(found[name]! - exact) <= exact * 0.01, `${found[name]} ${exact}`)
      }
    }),
  )
})

test('histograms are merged in the order of their buckets', () => {
  const merged = mergedHistogram([
    { buckets: [-1, 7], calls: [1, 2] },
    { buckets: [3, 7], calls: [4, 8] },
  ])
  assert.deepEqual(merged, { buckets: [-1, 3, 7], calls: [1, 4, 10] })
})

test('what voids took out again counts no more', () => {
  const voided: Histogram = { buckets: [bucketOf(900)], calls: [-1] }
  const taken = percentilesOf(mergedHistogram([histogramOf([5, 900]), voided]))
  assert.ok(Math.abs(taken.p99! - 5) <= 0.05)
  const none = percentilesOf(mergedHistogram([histogramOf([900]), voided]))
  assert.deepEqual(none, { p50: null, p95: null, p99: null })
  assert.deepEqual(percentilesOf(mergedHistogram([])), none)
})

function histogramOf(amounts: readonly number[]): Histogram {
  const counts = Map.groupBy(amounts, bucketOf)
  const buckets = [...counts.keys()].sort((a, b) => a - b)
  return { buckets, calls: buckets.map((bucket) => counts.get(bucket)!.length) }
}

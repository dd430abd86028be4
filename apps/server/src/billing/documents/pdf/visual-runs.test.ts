import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FontFile } from './font-files.ts'
import { type Cluster, clustersOf } from './font-set.ts'
import { directionOf, visualRuns } from './visual-runs.ts'

const font: FontFile = { key: 'one', bytes: Buffer.alloc(0), has: () => true }
const runsOf = (text: string) => {
  const line: Cluster[] = clustersOf(text).map((cluster) => ({ text: cluster, font }))
  return visualRuns(line, directionOf(text)).map((run) => run.text)
}

test('a text has the direction of its first letter', () => {
  assert.equal(directionOf('2026 Acme שלום'), 'ltr')
  assert.equal(directionOf('(2026) שלום Acme'), 'rtl')
  assert.equal(directionOf('2026'), 'ltr')
})

test('text from left to right is one run', () => {
  assert.deepEqual(runsOf('Acme (Berlin) 2026, Москва'), ['Acme (Berlin) 2026, Москва'])
})

test('Latin in Hebrew is between what is read after and before it', () => {
  assert.deepEqual(runsOf('אבג Acme דהו'), [' דהו', 'Acme', 'אבג '])
})

test('Hebrew in Latin turns its words and nothing else', () => {
  assert.deepEqual(runsOf('from אב גד to'), ['from ', 'אב גד', ' to'])
})

test('numbers in Arabic keep the order of their digits, also of its own', () => {
  assert.deepEqual(runsOf('مبنى 12'), ['12', 'مبنى '])
  // Shaping turns it round again.
  assert.deepEqual(runsOf('مبنى ١٢'), ['٢١', 'مبنى '])
})

test('brackets face what they enclose', () => {
  assert.deepEqual(runsOf('אב (ג)'), ['אב )ג('])
})

test('what shaping does not turn is turned beforehand', () => {
  assert.deepEqual(runsOf('!? \u200f'), ['\u200f ?!'])
})

test('a script that is shaped in its own way is a run of its own', () => {
  assert.deepEqual(runsOf('Delhi दिल्ली 1'), ['Delhi ', 'दिल्ली 1'])
})

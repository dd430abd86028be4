import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { entryId, parseEntryId } from './ids.ts'

const tenantNos = fc.integer({ min: 1, max: 2 ** 31 - 1 })
const seqs = fc.integer({ min: 1, max: 2 ** 50 - 1 })

test('an id leads back to its line, and to no other kind', () => {
  fc.assert(
    fc.property(tenantNos, seqs, (tenantNo, seq) => {
      assert.deepEqual(parseEntryId('evt', entryId('evt', tenantNo, seq)), { tenantNo, seq })
      assert.equal(parseEntryId('hld', entryId('evt', tenantNo, seq)), null)
    }),
  )
})

test('ids are as long as each other, and sort as the lines of a tenant do', () => {
  fc.assert(
    fc.property(tenantNos, seqs, seqs, (tenantNo, a, b) => {
      const [one, other] = [entryId('evt', tenantNo, a), entryId('evt', tenantNo, b)]
      assert.equal(one.length, other.length)
      assert.equal(one < other, a < b)
    }),
  )
})

test('an id looks like this, for good: senders keep them', () => {
  assert.equal(entryId('evt', 1, 1), 'evt_00000010000000001')
  assert.equal(entryId('hld', 2 ** 31 - 1, 2 ** 50 - 1), 'hld_1zzzzzzzzzzzzzzzz')
})

test('whatever is no id leads nowhere, and is no error', () => {
  const good = entryId('evt', 5, 7)
  const bad = ['', 'evt', 'evt_', good.slice(1), `${good}0`, good.toUpperCase(), ` ${good}`]
  bad.push(good.replace('_', '-'), good.replace(/.$/, 'u'), good.replace(/.$/, 'é'))
  // The number of no tenant: beyond what the column holds.
  bad.push(`evt_2${'0'.repeat(16)}`)
  for (const id of bad) assert.equal(parseEntryId('evt', id), null, id)
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const parsed = parseEntryId('evt', text)
      assert.ok(parsed === null || entryId('evt', parsed.tenantNo, parsed.seq) === text)
    }),
  )
})

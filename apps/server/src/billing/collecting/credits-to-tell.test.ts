import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NOTHING, parseExact } from '../../lib/money.ts'
import { creditsToTell } from './credits-to-tell.ts'

const noteOf = (total: string, no: number) => ({
  credit_note_id: `crn_${no}`,
  number: `CN-${no}`,
  reason: 'r',
  total,
})
const toldOf = (invoice: Parameters<typeof creditsToTell>[0], totals: string[]) =>
  creditsToTell(invoice, totals.map(noteOf)).map(({ number, amount }) => [number, amount])

test('what was credited before the provider was asked is not told, nor what the tenant’s credit had paid', () => {
  const invoice = { total: '100.00', credit_applied: '30', payment_amount: '60', currency: 'USD' }
  // 10 of the first were credited before 60 were asked for; 30 of the last were paid by credit.
  assert.deepEqual(toldOf(invoice, ['10.00', '5.00', '85.00']), [
    ['CN-1', '5.00'],
    ['CN-2', '55.00'],
  ])
  assert.deepEqual(toldOf({ ...invoice, payment_amount: null }, ['10.00']), [])
})

test('however an invoice is credited, what is told lowers what was asked for to what is left', () => {
  const cents = fc.integer({ min: 1, max: 10_000 })
  fc.assert(
    fc.property(
      fc.array(cents, { maxLength: 8 }),
      fc.nat(8),
      cents,
      fc.nat(5_000),
      (all, n, left, by) => {
        const [before, after] = [all.slice(0, n), all.slice(n)]
        const sum = (list: number[]) => list.reduce((one, other) => one + other, 0)
        const total = sum(all) + left
        const applied = Math.min(by, total - sum(before) - 1)
        const text = (amount: number) => parseExact(String(amount)).div(100).toFixed(2)
        const asked = total - applied - sum(before)
        const invoice = {
          total: text(total),
          credit_applied: text(applied),
          payment_amount: text(asked),
          currency: 'USD',
        }
        const notes = all.map((amount, no) => noteOf(text(amount), no))
        const told = creditsToTell(invoice, notes).reduce(
          (amount, credit) => amount.add(parseExact(credit.amount)),
          NOTHING,
        )
        const due = Math.max(total - applied - sum(before) - sum(after), 0)
        assert.equal(told.toFixed(2), text(asked - due))
      },
    ),
  )
})

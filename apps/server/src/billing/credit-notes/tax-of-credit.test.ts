import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatMoney, NOTHING, parseExact } from '../../lib/money.ts'
import { totalInvoice } from '../pricing/totals.ts'
import { creditByRate, taxOfCredit } from './tax-of-credit.ts'

test('examples: 19 percent within 11.90, in one note and in three', () => {
  const rest = { taxRate: '19', currency: 'USD' }
  assert.equal(
    taxOfCredit({ total: '11.90', ...rest, creditedBefore: '0.00', taxBefore: '0' }),
    '1.90',
  )
  assert.equal(
    taxOfCredit({ total: '4.00', ...rest, creditedBefore: '0.00', taxBefore: '0' }),
    '0.64',
  )
  assert.equal(
    taxOfCredit({ total: '4.00', ...rest, creditedBefore: '4.00', taxBefore: '0.64' }),
    '0.64',
  )
  assert.equal(
    taxOfCredit({ total: '3.90', ...rest, creditedBefore: '8.00', taxBefore: '1.28' }),
    '0.62',
  )
})

test('where no tax is shown none is taken back', () => {
  const credit = { total: '5.00', taxRate: null, creditedBefore: '0.00', taxBefore: '0' }
  assert.equal(taxOfCredit({ ...credit, currency: 'USD' }), '0.00')
  assert.equal(taxOfCredit({ ...credit, total: '5', currency: 'JPY' }), '0')
})

const cents = (value: number) => formatMoney(parseExact(String(value)).div(100), 'USD')

test('however an invoice is credited in full, its tax is taken back to the cent, and no note takes more than its amount', () => {
  const rate = fc.integer({ min: 0, max: 1_000_000 }).map((value) => String(value / 10_000))
  const parts = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), rate, parts, (net, taxRate, wanted) => {
      const lines = [{ amount: cents(net) }]
      const { total, tax } = totalInvoice({ currency: 'USD', lines, taxRate })
      let credited = NOTHING
      let taken = NOTHING
      for (const part of [...wanted, Number.MAX_SAFE_INTEGER]) {
        const left = parseExact(total).sub(credited)
        const amount = left.lt(part / 100) ? left : parseExact(cents(part))
        if (amount.isZero()) break
        const back = parseExact(
          taxOfCredit({
            total: formatMoney(amount, 'USD'),
            taxRate,
            currency: 'USD',
            creditedBefore: formatMoney(credited, 'USD'),
            taxBefore: taken.toFixed(),
          }),
        )
        assert.ok(back.gte(NOTHING) && back.lte(amount))
        credited = credited.add(amount)
        taken = taken.add(back)
      }
      assert.equal(credited.toFixed(2), total)
      assert.equal(taken.toFixed(2), tax)
    }),
  )
})

test('however an invoice of several rates is credited in full, each rate is taken back to the cent', () => {
  const amount = fc.integer({ min: 1, max: 100_000 }).map((cents) => (cents / 100).toFixed(2))
  const signed = fc.integer({ min: -5_000, max: 100_000 }).map((cents) => (cents / 100).toFixed(2))
  fc.assert(
    fc.property(
      fc.array(amount, { minLength: 1, maxLength: 4 }),
      fc.array(fc.record({ amount: signed, taxRate: fc.constantFrom('7', '19', null) }), {
        maxLength: 4,
      }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
      (amounts, corrections, parts) => {
        const currency = 'USD'
        const lines = amounts.map((one) => ({ amount: one }))
        const { taxes, total } = totalInvoice({ currency, lines, corrections, taxRate: '20' })
        let left = parseExact(total)
        fc.pre(left.gt(0))
        const back: typeof taxes = []
        const take = (part: string) => {
          const note = creditByRate({ taxes, currency }, part, back)
          const sum = note.reduce(
            (before, one) => before.add(parseExact(one.subtotal)).add(parseExact(one.tax)),
            NOTHING,
          )
          assert.equal(formatMoney(sum, currency), part)
          back.push(...note)
          left = left.sub(parseExact(part))
        }
        for (const part of parts) {
          const some = formatMoney(left.mul(part.toFixed(6)), currency)
          if (parseExact(some).gt(0)) take(some)
        }
        if (left.gt(0)) take(formatMoney(left, currency))
        for (const { tax_rate, subtotal, tax } of taxes) {
          const same = back.filter((one) => one.tax_rate === tax_rate)
          const sum = (of: 'subtotal' | 'tax') =>
            same.reduce((before, one) => before.add(parseExact(one[of])), NOTHING).toFixed(2)
          assert.deepEqual([sum('subtotal'), sum('tax')], [subtotal, tax])
        }
      },
    ),
  )
})

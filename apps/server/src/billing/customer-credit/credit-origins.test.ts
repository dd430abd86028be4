import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Decimal, NOTHING, parseExact } from '../../lib/money.ts'
import { creditOrigins } from './credit-origins.ts'
import { creditUse } from './credit-use.ts'
import type { CreditMoveKind, CreditMoveRow } from './store.ts'

const shown = (moves: CreditMoveRow[], invoiceId: string) =>
  creditOrigins(moves, invoiceId).map((part) => `${part.amount.toFixed()} of ${part.invoiceId}`)

function movesOf(...moves: [CreditMoveKind, invoiceId: string, amount: string][]): CreditMoveRow[] {
  return moves.map(([kind, invoice_id, amount], index) => {
    return { no: index + 1, kind, invoice_id, document_id: `${invoice_id}-${index}`, amount }
  })
}

test('the oldest is taken first, and what comes back goes to where it came from', () => {
  const moves = movesOf(
    ['left_over', 'a', '0.50'],
    ['left_over', 'b', '0.40'],
    ['applied', 'c', '-0.70'],
    ['given_back', 'c', '0.10'],
    ['left_over', 'd', '1'],
    ['given_back', 'c', '0.30'],
    ['applied', 'e', '-0.60'],
    ['given_back', 'c', '0.30'],
    ['applied', 'f', '-1.20'],
    ['applied', 'g', '-0.10'],
  )
  assert.deepEqual(shown(moves, 'c'), ['0.5 of a', '0.2 of b'])
  // Of c's 0.40 that came back 0.20 are of b and 0.20 of a.
  assert.deepEqual(shown(moves, 'e'), ['0.2 of a', '0.4 of b'])
  assert.deepEqual(shown(moves, 'f'), ['0.3 of a', '0.9 of d'])
  assert.deepEqual(shown(moves, 'g'), ['0.1 of d'])
  assert.deepEqual(shown(moves, 'a'), [])
  assert.deepEqual(shown([], 'a'), [])
})

const step = fc.record({
  cents: fc.integer({ min: -300, max: 300 }),
  back: fc.option(fc.record({ which: fc.nat(), part: fc.integer({ min: 1, max: 100 }) })),
})

test('what is taken is just what was left over and is not taken by another, whatever happens', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const { moves, left, taken } = history(steps)
      const used = new Map<string, Decimal>()
      for (const [invoiceId, amount] of taken) {
        const parts = creditOrigins(moves, invoiceId)
        const sum = parts.reduce((all, part) => all.add(part.amount), NOTHING)
        assert.ok(sum.eq(amount), `${invoiceId} took ${amount}, of which ${sum} are known`)
        assert.equal(new Set(parts.map((part) => part.invoiceId)).size, parts.length)
        for (const part of parts) {
          assert.ok(part.amount.gt(0) && part.amount.lte(left.get(part.invoiceId)!))
          used.set(part.invoiceId, (used.get(part.invoiceId) ?? NOTHING).add(part.amount))
        }
      }
      const wasGivenBack = moves.some(({ kind }) => kind === 'given_back')
      for (const [invoiceId, amount] of used) {
        if (!wasGivenBack) assert.ok(amount.lte(left.get(invoiceId)!))
      }
    }),
  )
})

/** Invoices over these amounts, of which some give back a part of what they took. */
function history(steps: { cents: number; back: { which: number; part: number } | null }[]) {
  const moves: CreditMoveRow[] = []
  const left = new Map<string, Decimal>()
  const taken = new Map<string, Decimal>()
  const open = new Map<string, Decimal>()
  let balance = NOTHING
  const move = (kind: CreditMoveKind, invoice_id: string, amount: Decimal) => {
    const no = moves.length + 1
    moves.push({ no, kind, invoice_id, document_id: String(no), amount: amount.toFixed() })
    balance = balance.add(amount)
  }
  for (const [index, { cents, back }] of steps.entries()) {
    const id = `i${index}`
    const total = parseExact(String(cents)).div(100)
    const { applied } = creditUse(balance.toFixed(), total.toFixed())
    if (total.isNegative()) {
      left.set(id, total.neg())
      move('left_over', id, total.neg())
    } else if (applied.gt(0)) {
      taken.set(id, applied)
      open.set(id, applied)
      move('applied', id, applied.neg())
    }
    const [who, rest] = [...open][back === null ? -1 : back.which % Math.max(open.size, 1)] ?? []
    if (back === null || who === undefined || rest === undefined || rest.isZero()) continue
    const given = rest.mul(back.part).div(100)
    open.set(who, rest.sub(given))
    move('given_back', who, given)
  }
  return { moves, left, taken }
}

import type { Queryable } from '../../db/pool.ts'
import { type Decimal, NOTHING, parseExact } from '../../lib/money.ts'
import { creditToGiveBack, creditUse } from '../customer-credit/credit-use.ts'
import { type CreditMoveRow, readCreditBalance, readCreditMoves } from '../customer-credit/store.ts'
import type { IssuedInvoice } from '../invoices/invoice-json.ts'
import type { InvoiceRow } from '../invoices/store.ts'
import type { Differ } from './types.ts'

/**
 * Works out again what invoices below zero left over and what became of it: move by move, and what each
 * invoice says of it.
 * @param invoices in the order in which they were issued
 */
export async function verifyCredit(
  db: Queryable,
  tenantNo: number,
  invoices: readonly InvoiceRow[],
  differ: Differ,
): Promise<void> {
  const moves = await readCreditMoves(db, tenantNo)
  const balances = balancesOf(moves, differ)
  const stored = parseExact(await readCreditBalance(db, tenantNo))
  const last = balances.at(-1)!
  if (!stored.eq(last)) {
    differ(null, `credit is ${stored.toFixed()}, its moves come to ${last.toFixed()}`)
  }
  const ids = new Set(invoices.map(({ invoice_id }) => invoice_id))
  for (const { no, invoice_id } of moves) {
    if (!ids.has(invoice_id))
      differ(null, `move ${no} of credit is of an invoice that is not there`)
  }
  let from = 0
  for (const [index, invoice] of invoices.entries()) {
    const until = nextOf(moves, invoices.slice(index + 1))
    const own = moves.findIndex((move) => isOwn(move, invoice))
    const places = own < 0 ? range(from, until) : [own]
    compareUse(
      invoice,
      own < 0 ? undefined : moves[own],
      places.map((at) => balances[at]!),
      differ,
    )
    compareGivenBack(invoice, moves, differ)
    if (own >= 0) from = own + 1
  }
}

/** Before the first move, and after each. */
function balancesOf(moves: readonly CreditMoveRow[], differ: Differ): Decimal[] {
  const balances = [NOTHING]
  for (const [index, { no, amount }] of moves.entries()) {
    if (no !== index + 1) differ(null, `moves of credit have a gap before ${no}`)
    const balance = balances.at(-1)!.add(parseExact(amount))
    if (balance.isNegative()) differ(null, `move ${no} of credit takes more than there is`)
    balances.push(balance)
  }
  return balances
}

/** As the invoice moved it when it was issued, and not what came back of it later. */
function isOwn({ kind, invoice_id }: CreditMoveRow, invoice: InvoiceRow): boolean {
  return kind !== 'given_back' && invoice_id === invoice.invoice_id
}

/** How many moves there were at most before any of these invoices was issued. */
function nextOf(moves: readonly CreditMoveRow[], later: readonly InvoiceRow[]): number {
  const ids = new Set(later.map(({ invoice_id }) => invoice_id))
  const next = moves.findIndex((move) => move.kind !== 'given_back' && ids.has(move.invoice_id))
  return next < 0 ? moves.length : next
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(to - from + 1, 0) }, (_, index) => from + index)
}

/** @param balances that there may have been when it was issued; what was given back then is not known */
function compareUse(
  { number, total, credit_applied, document }: InvoiceRow,
  move: CreditMoveRow | undefined,
  balances: readonly Decimal[],
  differ: Differ,
): void {
  const issued = document.issued as Partial<IssuedInvoice>
  const applied = parseExact(credit_applied)
  // Before there was credit, invoices below zero were open until somebody settled them.
  if (issued.credit_applied === undefined || issued.credit_balance === undefined) {
    if (!applied.isZero()) differ(number, `took ${credit_applied} of credit, and does not say so`)
    return
  }
  const says = [issued.credit_applied, issued.credit_balance].map(parseExact)
  const fits = balances.some((balance) => {
    const use = creditUse(balance.toFixed(), total)
    return use.applied.eq(says[0]!) && use.balance.eq(says[1]!)
  })
  const moved = parseExact(move?.amount ?? '0')
  const should = parseExact(total).isNegative() ? parseExact(total).neg() : says[0]!.neg()
  if (fits && applied.eq(says[0]!) && moved.eq(should)) return
  differ(
    number,
    `credit_applied is ${credit_applied}, and ${issued.credit_balance} is left over: the moves of credit make it something else`,
  )
}

function compareGivenBack(
  invoice: InvoiceRow,
  moves: readonly CreditMoveRow[],
  differ: Differ,
): void {
  const back = moves
    .filter(({ kind, invoice_id }) => kind === 'given_back' && invoice_id === invoice.invoice_id)
    .reduce((sum, { amount }) => sum.add(parseExact(amount)), NOTHING)
  const due = creditToGiveBack({ ...invoice, isVoid: invoice.status === 'void' })
  if (back.eq(due)) return
  const { number } = invoice
  differ(
    number,
    `gave back ${back.toFixed()} of the credit that it took, it should be ${due.toFixed()}`,
  )
}

import { type Decimal, parseAmount, roundMoney } from '../../lib/money.ts'
import { invalidField } from '../../lib/problem-error.ts'

/** An amount that somebody names. @throws ProblemError where the currency has no such decimals */
export function amountIn(currency: string, text: string, field: string): Decimal {
  const amount = parseAmount(text)
  if (roundMoney(amount, currency).eq(amount)) return amount
  throw invalidField(field, `has more decimals than ${currency} has`)
}

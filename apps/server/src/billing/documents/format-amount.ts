import { isCurrency } from '../../lib/money.ts'

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/
const MINUS = '\u2212'
// As many as there are currencies.
const symbols = new Map<string, string>()

/** `-1234.5` as `−1,234.5`: the digits are those of the text, which never becomes a float. */
export function formatDecimal(text: string, decimalsMin = 0): string {
  const [, sign, whole, decimals = ''] = DECIMAL.exec(text) ?? []
  if (whole === undefined) return text
  const after = decimals.padEnd(decimalsMin, '0')
  return `${sign === '-' ? MINUS : ''}${groupThousands(whole)}${after && `.${after}`}`
}

/** `−$1,234.50`; `USD` is `$` and no other dollar is. */
export function formatMoneyText(text: string, currency: string, decimalsMin = 0): string {
  const digits = formatDecimal(text, decimalsMin)
  const symbol = currencySymbol(currency)
  return digits.startsWith(MINUS) ? `${MINUS}${symbol}${digits.slice(1)}` : `${symbol}${digits}`
}

/** `1234.5` as `1,234.5`. */
export function formatQuantity(quantity: number): string {
  return formatDecimal(quantityText(quantity))
}

/** A number as programs read it, without an exponent: 1e21 has 22 digits. */
export function quantityText(quantity: number): string {
  const text = String(quantity)
  const [, sign, first, rest = '', exponent] = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? []
  if (first === undefined) return text
  const digits = first + rest
  const point = 1 + Number(exponent)
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  return `${sign}${digits.padEnd(point, '0')}`
}

export function decimalsOf(text: string): number {
  return DECIMAL.exec(text)?.[3]?.length ?? 0
}

function groupThousands(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ',')
}

function currencySymbol(currency: string): string {
  let symbol = symbols.get(currency)
  if (symbol === undefined) {
    symbol = symbolOf(currency)
    if (isCurrency(currency)) symbols.set(currency, symbol)
  }
  return symbol
}

function symbolOf(currency: string): string {
  if (!isCurrency(currency)) return `${currency}\u00a0`
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency })
  const symbol = format.formatToParts(0).find(({ type }) => type === 'currency')?.value ?? currency
  return /\p{L}$/u.test(symbol) ? `${symbol}\u00a0` : symbol
}

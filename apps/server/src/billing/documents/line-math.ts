import type { InvoiceLine } from '@tollgate/contract'
import { formatDecimal } from './format-amount.ts'
import { printable } from './printable.ts'

type MathStep = InvoiceLine['math'][number]

/**
 * How an amount came about, a text for each step: `2,000 × 0.01 = 20.00`. None where the line says it
 * all: one price times one quantity, a fee, what is included.
 */
export function lineMath({ math }: Pick<InvoiceLine, 'math'>, decimals: number): string[] {
  if (math.length === 1 && isPlain(math[0]!)) return []
  const ranges = math.some(({ from }) => !isZero(from))
  return math.map((step) => stepText(step, decimals, ranges))
}

function isPlain({ kind, flat, factor, group }: MathStep): boolean {
  if (kind === 'fee' || kind === 'included') return isOne(factor)
  return kind !== 'package' && isZero(flat) && isOne(factor) && group === null
}

function stepText(step: MathStep, decimals: number, ranges: boolean): string {
  const money = (text: string) => formatDecimal(text, decimals)
  const group = step.group === null ? '' : `${printable(step.group)}: `
  switch (step.kind) {
    case 'included':
      return `${group}${includedText(step)}`
    case 'minimum':
      return `up to the minimum: ${money(step.amount)}`
    case 'maximum':
      return `down to the maximum: ${money(step.amount)}`
    case 'as_now':
      return `as counted now: ${money(step.amount)}`
    case 'as_billed':
      return `less what was billed: ${money(step.amount)}`
    default: {
      const range = ranges && step.kind === 'usage' ? `${rangeText(step)}: ` : ''
      return `${group}${range}${productText(step, money)} = ${money(step.amount)}`
    }
  }
}

function includedText({ quantity, up_to }: MathStep): string {
  if (up_to === null) return `${formatDecimal(quantity)} included`
  if (up_to === quantity) return `first ${formatDecimal(up_to)} included`
  return `${formatDecimal(quantity)} of the first ${formatDecimal(up_to)} included`
}

function rangeText({ from, up_to }: MathStep): string {
  if (up_to === null) return `over ${formatDecimal(from)}`
  if (isZero(from)) return `first ${formatDecimal(up_to)}`
  return `over ${formatDecimal(from)} to ${formatDecimal(up_to)}`
}

function productText(step: MathStep, money: (text: string) => string): string {
  const count = step.kind === 'package' ? packagesText(step.quantity) : formatDecimal(step.quantity)
  const product = `${count} × ${money(step.unit_price)}`
  const sum = isZero(step.flat) ? product : `${product} + ${money(step.flat)}`
  if (isOne(step.factor)) return sum
  const times = ` × ${formatDecimal(step.factor)}`
  return isZero(step.flat) ? `${product}${times}` : `(${sum})${times}`
}

function packagesText(quantity: string): string {
  return `${formatDecimal(quantity)} ${isOne(quantity) ? 'package' : 'packages'}`
}

function isZero(text: string): boolean {
  return /^-?0+(\.0+)?$/.test(text)
}

function isOne(text: string): boolean {
  return /^0*1(\.0+)?$/.test(text)
}

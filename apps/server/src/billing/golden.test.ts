import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { compileTerms } from '../catalog/compile.ts'
import { catalogSchema } from '../catalog/schema.ts'
import { parseExact } from '../lib/money.ts'
import { rateCharges } from './pricing/rate-charges.ts'
import { totalInvoice } from './pricing/totals.ts'
import type { ChargeLine, Readings } from './pricing/types.ts'

// Invoices that were worked out by hand, in the comment of each file, and not by this program.

const folder = join(import.meta.dirname, 'golden')
const number = z.union([z.string(), z.number()]).transform(String)
const grouped = z.strictObject({
  region: z.string().nullable(),
  feature: z.string().nullable(),
  quantity: number,
})
const goldenSchema = z.strictObject({
  meters: z.unknown().optional(),
  plan: z.unknown(),
  usage: z.record(z.string(), z.union([number, z.array(grouped)])),
  part: z
    .strictObject({ from_ms: z.int(), to_ms: z.int(), whole_ms: z.int() })
    .nullable()
    .default(null),
  minimum_commitment: z.string().nullable().default(null),
  discounts: z
    .array(
      z.discriminatedUnion('kind', [
        z.strictObject({
          description: z.string(),
          kind: z.literal('percentage'),
          percent: z.string(),
        }),
        z.strictObject({ description: z.string(), kind: z.literal('amount'), amount: z.string() }),
      ]),
    )
    .default([]),
  tax_rate: z.string().nullable().default(null),
  expected: z.strictObject({
    /** Description, quantity, unit price, amount; of lines that are no charge without the middle. */
    lines: z.array(z.array(z.string().nullable())),
    /** By line: exact amounts of its steps. Lines that list none are not compared. */
    math: z.array(z.array(z.string())).default([]),
    subtotal: z.string(),
    tax: z.string(),
    total: z.string(),
  }),
})
type Golden = z.infer<typeof goldenSchema>

const files = readdirSync(folder).sort()

test('there are at least twenty invoices', () => {
  assert.ok(files.length >= 20, String(files.length))
})

for (const file of files) {
  test(`golden invoice ${file}`, () => {
    const text = readFileSync(join(folder, file), 'utf8')
    assert.match(text, /^# /, 'begins with how it was worked out')
    const golden = goldenSchema.parse(parse(text))
    const { plans } = catalogSchema.parse({
      catalog: 1,
      meters: golden.meters,
      plans: { golden: golden.plan },
    })
    const { price } = compileTerms(1, 'golden', 1, plans.golden!)
    const lines = rateCharges({ price, readings: readingsOf(golden), part: golden.part })
    const totals = totalInvoice({
      currency: price.currency,
      lines,
      minimumCommitment: golden.minimum_commitment,
      discounts: golden.discounts,
      taxRate: golden.tax_rate,
    })
    const { lines: lastLines, subtotal, tax, total } = totals
    assert.deepEqual(
      {
        lines: [
          ...lines.map(({ description, quantity, unit_price, amount }) => {
            return [description, quantity, unit_price, amount]
          }),
          ...lastLines.map(({ description, amount }) => [description, amount]),
        ],
        subtotal,
        tax,
        total,
      },
      {
        lines: golden.expected.lines,
        subtotal: golden.expected.subtotal,
        tax: golden.expected.tax,
        total: golden.expected.total,
      },
    )
    checkMath(lines, golden)
  })
}

function readingsOf({ usage }: Golden): Readings {
  const all = { units: '0', credits: '0', overage_credits: '0', ...usage }
  return new Map(
    Object.entries(all).map(([meter, reading]) => {
      const groups =
        typeof reading === 'string' ? [{ region: null, feature: null, quantity: reading }] : reading
      return [
        meter,
        groups.map(({ quantity, ...group }) => ({ group, quantity: parseExact(quantity) })),
      ]
    }),
  )
}

function checkMath(lines: readonly ChargeLine[], { expected }: Golden): void {
  for (const [index, amounts] of expected.math.entries()) {
    if (amounts.length === 0) continue
    assert.deepEqual(
      lines[index]?.math.map(({ amount }) => amount),
      amounts,
    )
  }
}

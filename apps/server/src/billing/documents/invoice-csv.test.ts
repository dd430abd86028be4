import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { creditNote, invoice, line } from '../../../test/example-documents.ts'
import { HOSTILE_NAMES } from '../../../test/hostile-names.ts'
import { invoiceCsv } from './invoice-csv.ts'
import { printable } from './printable.ts'

/** As RFC 4180 has it. */
function parse(csv: string): string[][] {
  const rows: string[][] = [[]]
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy
  let end = 0
  for (const { 0: all, 1: quoted, 2: plain, 3: after, index } of csv.matchAll(cell)) {
    rows.at(-1)!.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'))
    if (after !== ',') rows.push([])
    end = index + all.length
  }
  assert.equal(end, csv.length)
  return rows.slice(0, -1)
}

function cells(csv: string, column: string): string[] {
  const [head, ...rows] = parse(csv)
  return rows.map((row) => row[head!.indexOf(column)]!)
}

test('there is a row for each line, then the totals, and each has all columns', () => {
  const lines = [line(), line({ kind: 'discount', amount: '-5.00', unit_price: null })]
  const csv = invoiceCsv(invoice({ lines, subtotal: '20.00', total: '20.00', amount_due: '20.00' }))
  assert.deepEqual(cells(csv, 'row'), [
    'charge',
    'discount',
    'subtotal',
    'tax',
    'total',
    'credit_applied',
    'credited',
    'amount_due',
  ])
  assert.deepEqual(cells(csv, 'amount'), [
    '25.00',
    '-5.00',
    '20.00',
    '0.00',
    '20.00',
    '0.00',
    '0.00',
    '20.00',
  ])
  assert.deepEqual(new Set(parse(csv).map((row) => row.length)), new Set([18]))
  assert.deepEqual(cells(invoiceCsv(creditNote()), 'row').slice(1), ['subtotal', 'tax', 'total'])
})

test('each tax rate has a row', () => {
  const taxes = [
    { tax_rate: '7', subtotal: '20.00', tax: '1.40' },
    { tax_rate: '19', subtotal: '5.00', tax: '0.95' },
  ]
  const csv = invoiceCsv(invoice({ tax_rate: '7', tax: '2.35', taxes, total: '27.35' }))
  const rows = ['row', 'tax_rate', 'amount'].map((column) => cells(csv, column).slice(1, 5))
  assert.deepEqual(rows, [
    ['subtotal', 'tax', 'tax', 'total'],
    ['', '7', '19', ''],
    ['25.00', '1.40', '0.95', '27.35'],
  ])
})

test('the header is what programs count on', () => {
  assert.equal(
    invoiceCsv(invoice()).split('\r\n')[0],
    'document,number,status,issued_on,row,description,meter,quantity,unit,unit_price,amount,' +
      'currency,tax_rate,plan,plan_version,period_start,period_end,customer',
  )
})

test('numbers are plain: exact, without groups, exponents or apostrophes', () => {
  const big = line({ quantity: 1e21, unit_price: '-0.000000000001', amount: '-123456789012345.67' })
  const csv = invoiceCsv(invoice({ lines: [big] }))
  assert.equal(cells(csv, 'quantity')[0], '1000000000000000000000')
  assert.equal(cells(csv, 'unit_price')[0], '-0.000000000001')
  assert.equal(cells(csv, 'amount')[0], '-123456789012345.67')
})

test('no name becomes a formula, a column or a row', () => {
  for (const name of HOSTILE_NAMES) holds(name)
})

test('any Unicode name stays in its cell', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), holds))
})

function holds(name: string): void {
  const csv = invoiceCsv(invoice({ lines: [line({ description: name })], number: name }))
  const found = [cells(csv, 'description')[0]!, cells(csv, 'number')[0]!]
  for (const cell of found) {
    assert.ok(
      !/^[=+@\t\r＝＋－＠]/.test(cell) && (!cell.startsWith('-') || /^-\d+(\.\d+)?$/.test(cell)),
    )
    assert.equal(cell.replace(/^'/, ''), printable(name).replace(/^'/, ''))
  }
  assert.equal(parse(csv).length, 8)
}

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { creditNote, invoice, line } from '../../../test/example-documents.ts'
import { HOSTILE_NAMES } from '../../../test/hostile-names.ts'
import { invoiceHtml } from './invoice-html.ts'
import { INVOICE_STYLE_SOURCE } from './invoice-style.ts'

const named = (name: string) => {
  const party = { name, address: [name], email: name, tax_id: name }
  const lines = [line({ description: name, unit: name })]
  return invoiceHtml(invoice({ seller: party, customer: party, lines, plan: name, number: name }))
}

/** The page with all text taken out: what a name must not change. */
const skeleton = (page: string) =>
  page
    .replace(/<style>[\s\S]*?<\/style>/, '')
    .replace(/>[^<]*</g, '><')
    .replace(/<p><bdi dir="auto"><\/bdi><\/p>|<dt><\/dt><dd><bdi dir="auto"><\/bdi><\/dd>/g, '')

test('a name is text, whatever it holds: no tag, no attribute, no entity comes of it', () => {
  const plain = skeleton(named('Acme'))
  for (const name of HOSTILE_NAMES) assert.equal(skeleton(named(name)), plain, name.slice(0, 40))
})

test('any Unicode name is text', () => {
  const plain = skeleton(named('Acme'))
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) =>
      assert.equal(skeleton(named(name)), plain),
    ),
  )
})

test('a name keeps its own direction and does not turn what is beside it', () => {
  const page = named('חברת \u202eהדוגמה')
  assert.ok(page.includes('<bdi dir="auto">חברת הדוגמה</bdi>'))
  assert.ok(!/[\u202a-\u202e\u2066-\u2069]/.test(page))
})

test('the page loads and runs nothing, and its one style is the one that its source allows', () => {
  const page = invoiceHtml(creditNote())
  assert.ok(
    !/<script|<link|<img|<iframe|\bsrc=|\bhref=|\bstyle=|url\(|@import|\bon\w+=/i.test(page),
  )
  const styles = [...page.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(([, style]) => style!)
  assert.equal(styles.length, 1)
  const hash = createHash('sha256').update(styles[0]!).digest('base64')
  assert.equal(INVOICE_STYLE_SOURCE, `'sha256-${hash}'`)
})

test('it is made for phones, dark screens and paper', () => {
  const page = invoiceHtml(invoice())
  assert.match(page, /<meta name="viewport" content="width=device-width/)
  assert.match(page, /prefers-color-scheme:dark/)
  assert.match(page, /@media print/)
})

test('lines, math and totals are on it', () => {
  const page = invoiceHtml(
    invoice({ tax_rate: '19.00', tax: '4.75', total: '29.75', amount_due: '29.75' }),
  )
  for (const text of [
    'API calls',
    '250 calls',
    '$0.10',
    '$25.00',
    'Tax (19%)',
    '$4.75',
    '$29.75',
  ]) {
    assert.ok(page.includes(`>${text}<`), text)
  }
})

test('the same document gives the same page', () => {
  assert.equal(invoiceHtml(invoice()), invoiceHtml(invoice()))
})

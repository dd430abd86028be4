import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { creditNote, invoice, line, step } from '../../../test/example-documents.ts'
import { HOSTILE_NAMES } from '../../../test/hostile-names.ts'
import { fontsOf, readPdf } from '../../../test/read-pdf.ts'
import { invoicePdf } from './invoice-pdf.ts'

const HEAD = /Description *Quantity *Unit price *Amount \(USD\)/

const NAMES: [script: string, name: string][] = [
  ['Latin', 'Łódź Zürich Ærø Đặng “Ñandú” €₹₪'],
  ['Greek', 'Ελληνική Εταιρεία Α.Ε.'],
  ['Cyrillic', 'ООО «Ромашка и партнёры» Київ'],
  ['Hebrew', 'חברת הדוגמה (ישראל) 2026'],
  ['Arabic', 'شركة الأمثلة المحدودة (دبي) ١٢'],
  ['Devanagari', 'उदाहरण प्राइवेट लिमिटेड क्षत्रिय'],
  ['Thai', 'บริษัท ตัวอย่าง จำกัด (มหาชน)'],
  ['Chinese', '示例科技有限公司（上海） 臺灣範例'],
  ['Japanese', '株式会社サンプル「東京」'],
  ['Korean', '주식회사 예제 (서울)'],
  ['scripts of India', 'বাংলা ক্ষ, ગુજરાતી ક્ષ, ਪੰਜਾਬੀ, ಪ್ರೈವೇಟ್, മലയാളം പ്രൈവറ്റ്, தமிழ் கொ, తెలుగు క్ష'],
  ['Armenian, Georgian and Khmer', 'Հայաստան ՍՊԸ, საქართველო, ក្រុមហ៊ុន ខ្មែរ'],
  ['others', 'አማርኛ ᏣᎳᎩ ᠮᠣᠩᠭᠣᠯ ☃ 😀'],
]

const named = (name: string) => {
  const party = { name, address: [name, name], email: name, tax_id: name }
  return invoicePdf(
    invoice({ seller: party, customer: party, lines: [line({ description: name, unit: name })] }),
  )
}

for (const [script, name] of NAMES) {
  test(`names in ${script} are on the page, in fonts that are inside the file`, async () => {
    const bytes = await named(name)
    const { named: fonts, embedded, standard } = fontsOf(bytes)
    assert.ok(fonts > 0 && embedded === fonts && standard === 0)
    const letters = new Set((await readPdf(bytes)).pages.join('').normalize('NFKD'))
    const missing = [...name.normalize('NFKD')].filter((letter) => !letters.has(letter))
    assert.deepEqual(missing, [])
    assert.ok(!letters.has('\ufffd'))
  })
}

test('what no font has is a box that can be seen, and its neighbours are there', async () => {
  const [page] = (await readPdf(await named('before \u{10fffd} after'))).pages
  assert.match(page!, /before \ufffd after/)
})

test('an invoice of 500 lines has each line once, its head on every page, and counted pages', async () => {
  const lines = Array.from({ length: 500 }, (_, index) =>
    line({
      description: `Line ${index + 1}.${index % 9 === 0 ? ' A description that has to wrap'.repeat(4) : ''}`,
      math: index % 5 === 0 ? [step(), step({ from: '1' })] : [],
    }),
  )
  const { pages } = await readPdf(await invoicePdf(invoice({ lines })))
  assert.ok(pages.length >= 15 && pages.length <= 30, `${pages.length} pages`)
  for (const [index, page] of pages.entries()) {
    assert.match(page, HEAD)
    assert.match(page, new RegExp(`Page ${index + 1} of ${pages.length}`))
    assert.match(page, /INV-2026-000042/)
  }
  const found = [...pages.join(' ').matchAll(/Line (\d+)\./g)].map(([, number]) => Number(number))
  assert.deepEqual(
    found,
    lines.map((_, index) => index + 1),
  )
  assert.match(pages.at(-1)!, /Line 500\..*Subtotal.*Total.*Amount due/)
})

test('the totals are never alone on a page, wherever the page ends before them', async () => {
  // As many as fill the first page, and some more.
  for (let count = 12; count <= 26; count += 1) {
    const lines = Array.from({ length: count }, (_, index) =>
      line({ description: `Line ${index}.` }),
    )
    const last = (await readPdf(await invoicePdf(invoice({ lines })))).pages.at(-1)!
    assert.match(last, new RegExp(`Line ${count - 1}\\..*Subtotal.*Amount due.*Amounts are in`))
  }
})

test('a line with more math than a page can hold goes on under the same head', async () => {
  const math = Array.from({ length: 200 }, (_, index) => step({ group: `region ${index}.` }))
  const { pages } = await readPdf(await invoicePdf(invoice({ lines: [line({ math })] })))
  assert.ok(pages.length >= 3)
  for (const page of pages) assert.match(page, HEAD)
  const found = [...pages.join(' ').matchAll(/region (\d+)\./g)].map(([, number]) => Number(number))
  assert.deepEqual(
    found,
    math.map((_, index) => index),
  )
})

test('the page names number, dates, parties, math and totals', async () => {
  const document = invoice({
    lines: [
      line({
        unit_price: null,
        math: [
          step({ quantity: '2000', unit_price: '0.01', amount: '20' }),
          step({ from: '2000', quantity: '500', unit_price: '0.01', amount: '5' }),
        ],
      }),
    ],
    tax_rate: '19.00',
    tax: '4.75',
    total: '29.75',
    credited: '1.00',
    amount_due: '28.75',
  })
  const { pages, title } = await readPdf(await invoicePdf(document))
  assert.equal(title, 'Invoice INV-2026-000042')
  for (const text of [
    'INV-2026-000042',
    '1 Dec 2026',
    '15 Dec 2026',
    '1 Nov 2026 – 30 Nov 2026',
    'Tollgate Example GmbH',
    'Tax ID: DE123456789',
    'Acme Corporation',
    'over 2,000: 500 × 0.01 = 5.00',
    'Tax (19%)',
    '$29.75',
    '−$1.00',
    '$28.75',
  ]) {
    assert.ok(pages[0]!.includes(text), text)
  }
})

test('a void invoice is marked on every page, a paid one once', async () => {
  const lines = Array.from({ length: 60 }, () => line())
  const voided = await readPdf(await invoicePdf(invoice({ lines, status: 'void' })))
  assert.ok(voided.pages.length > 1)
  for (const page of voided.pages) assert.match(page, /VOID/)
  const paid = await readPdf(await invoicePdf(invoice({ status: 'paid', paid_at: null })))
  assert.match(paid.pages[0]!, /PAID/)
  const note = await readPdf(await invoicePdf(creditNote()))
  assert.match(note.pages[0]!, /Credit note.*Total credited/)
})

test('the same document gives the same bytes', async () => {
  const name = NAMES.map(([, text]) => text).join(' ')
  const [first, second] = [await named(name), await named(name)]
  assert.ok(first.equals(second))
  assert.equal((await readPdf(first)).created, 'D:20261201000500Z')
})

test('a draft, which is not issued yet, gives the same bytes too', async () => {
  const draft = invoice({ status: 'draft', number: null, issued_at: null, due_at: null })
  assert.ok((await invoicePdf(draft)).equals(await invoicePdf(draft)))
})

test('no name breaks a page or makes it endless', async () => {
  for (const name of HOSTILE_NAMES) {
    const { pages } = await readPdf(await named(name))
    assert.ok(pages.length <= 2, name.slice(0, 40))
    assert.match(pages.at(-1)!, /Amount due/)
  }
})

// Blocks that are in use, since most code points are in none; then letters and marks of one script in
// an order that nobody writes, on which shaping may fail.
const anywhere = fc.oneof(
  fc.integer({ min: 0x20, max: 0x33ff }),
  fc.integer({ min: 0x4e00, max: 0xffff }),
  fc.integer({ min: 0x10000, max: 0x1ffff }),
  fc.integer({ min: 0, max: 0x10ffff }),
)
const block = (first: number, last: number) =>
  fc.array(fc.integer({ min: first, max: last }), { maxLength: 30 })
const codes = fc.oneof(
  fc.array(anywhere, { maxLength: 20 }),
  block(0x300, 0x36f),
  block(0x590, 0x5ff),
  block(0x600, 0x6ff),
  ...[0x900, 0x980, 0xa00, 0xa80, 0xb80, 0xc00, 0xc80, 0xd00, 0xe00, 0x1780].map((first) =>
    block(first, first + 0x7f),
  ),
)

test('any Unicode name is drawn', async () => {
  const name = codes.map((all) => String.fromCodePoint(...all))
  await fc.assert(
    fc.asyncProperty(name, async (text) => {
      const bytes = await named(text)
      assert.equal(bytes.subarray(0, 5).toString(), '%PDF-')
      const { named: fonts, embedded } = fontsOf(bytes)
      assert.equal(embedded, fonts)
    }),
    { numRuns: 40 },
  )
})

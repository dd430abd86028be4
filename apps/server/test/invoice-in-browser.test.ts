import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { invoiceHtml } from '../src/billing/documents/invoice-html.ts'
import { INVOICE_STYLE_SOURCE } from '../src/billing/documents/invoice-style.ts'
import { openPage, withoutChromium } from './chromium.ts'
import { invoice, line } from './example-documents.ts'
import { HOSTILE_NAMES } from './hostile-names.ts'

test('an invoice with hostile names is shown under a policy that allows its one style and nothing else', {
  skip: withoutChromium(),
}, async (t) => {
  const lines = HOSTILE_NAMES.map((name) => line({ description: name }))
  const page = invoiceHtml(invoice({ lines }))
  const server = createServer((_request, response) => {
    response.setHeader(
      'content-security-policy',
      `default-src 'none'; style-src ${INVOICE_STYLE_SOURCE}`,
    )
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(page)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => void server.close())
  const { port } = server.address() as { port: number }
  const { dom, console } = await openPage(`http://127.0.0.1:${port}/`)
  assert.match(dom, /Amount due/)
  assert.equal(dom.match(/<tr>/g)?.length, 1 + HOSTILE_NAMES.length)
  assert.doesNotMatch(dom, /<script|<img|<svg|onmouseover="/)
  assert.deepEqual(console, [])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { creditNote, invoice } from '../../../test/example-documents.ts'
import { PDFS_WAITING_MAX } from '../../limits.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { invoicePdf } from './invoice-pdf.ts'
import { createPdfThread } from './pdf-thread.ts'

const NO_ZONE = { ...invoice().period, timezone: 'Nowhere/None' }

test('a PDF that is made beside calls has the same bytes, and each caller gets its own', async (t) => {
  const thread = createPdfThread()
  t.after(() => thread.close())
  const documents = [invoice(), creditNote(), invoice({ status: 'void' })]
  const made = await Promise.all(documents.map((document) => thread.invoicePdf(document)))
  for (const [index, document] of documents.entries()) {
    assert.ok(made[index]!.equals(await invoicePdf(document)))
  }
})

test('what cannot be made fails alone', async (t) => {
  const thread = createPdfThread()
  t.after(() => thread.close())
  const bad = thread.invoicePdf(invoice({ period: NO_ZONE }))
  const good = thread.invoicePdf(invoice())
  await assert.rejects(bad, /RangeError/)
  assert.equal((await good).subarray(0, 5).toString(), '%PDF-')
})

test('a thread that was idle has ended, and the next PDF begins another', async (t) => {
  const thread = createPdfThread({ idleMs: 0 })
  t.after(() => thread.close())
  for (let round = 0; round < 3; round += 1) {
    assert.ok((await thread.invoicePdf(invoice())).length > 0)
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
})

test('more than may wait are refused, and told to come again', async (t) => {
  const thread = createPdfThread()
  t.after(() => thread.close())
  const waiting = Promise.allSettled(
    Array.from({ length: PDFS_WAITING_MAX }, () => thread.invoicePdf(invoice())),
  )
  await assert.rejects(
    thread.invoicePdf(invoice()),
    (error) => error instanceof ProblemError && error.code === 'overloaded',
  )
  await thread.close()
  for (const one of await waiting) assert.equal(one.status, 'rejected')
  await assert.rejects(thread.invoicePdf(invoice()), /stopping/)
})

import { parentPort } from 'node:worker_threads'
import { invoicePdf } from './invoice-pdf.ts'
import type { PdfReply, PdfRequest } from './pdf-thread.ts'

// One after the other: all at once would need the memory of all at once.
let before: Promise<void> = Promise.resolve()

parentPort?.on('message', (request: PdfRequest) => {
  before = before.then(() => answer(request))
})

async function answer({ id, document }: PdfRequest): Promise<void> {
  try {
    const bytes = new Uint8Array(await invoicePdf(document))
    const reply: PdfReply = { id, bytes }
    parentPort?.postMessage(reply, [bytes.buffer])
  } catch (error) {
    const reply: PdfReply = { id, error: error instanceof Error ? error.stack! : String(error) }
    parentPort?.postMessage(reply)
  }
}

import { Worker } from 'node:worker_threads'
import type { CreditNote, Invoice } from '@tollgate/contract'
import { ProblemError } from '../../lib/problem-error.ts'
import { PDF_THREAD_HEAP_MB_MAX, PDF_THREAD_IDLE_SECONDS, PDFS_WAITING_MAX } from '../../limits.ts'

export type PdfRequest = { id: number; document: Invoice | CreditNote }
export type PdfReply = { id: number } & ({ bytes: Uint8Array } | { error: string })

export type PdfThread = {
  /**
   * @throws ProblemError `overloaded`, if as many as may wait are waiting
   * @throws Error if the thread ended, or could not make it
   */
  invoicePdf(document: Invoice | CreditNote): Promise<Buffer>
  /** What waits is given up. */
  close(): Promise<void>
}
type Waiting = { resolve(pdf: Buffer): void; reject(error: Error): void }

/**
 * Makes PDFs beside the thread that answers calls: shaping a text occupies whoever does it for longer
 * than a call may take. The thread begins with the first PDF and ends when none was wanted for a while.
 */
export function createPdfThread(options: { idleMs?: number } = {}): PdfThread {
  const idleMs = options.idleMs ?? PDF_THREAD_IDLE_SECONDS * 1_000
  const waiting = new Map<number, Waiting>()
  let worker: Worker | null = null
  let idle: NodeJS.Timeout | undefined
  let lastId = 0
  let closed = false

  const begin = () => {
    const begun = startWorker()
    const ended = (error: Error) => {
      // One that was told to end has no part in what the next one does.
      if (worker !== begun) return
      worker = null
      giveUp(waiting, error)
    }
    begun.on('message', (reply: PdfReply) => {
      settle(waiting, reply)
      if (waiting.size > 0) return
      // Who has nothing to do keeps no program from ending.
      begun.unref()
      idle = setTimeout(() => void end(), idleMs).unref()
    })
    begun.on('error', ended)
    begun.on('exit', (code) => ended(new Error(`The thread that makes PDFs ended with ${code}`)))
    return begun
  }
  const end = async () => {
    const ending = worker
    worker = null
    await ending?.terminate()
  }

  return {
    invoicePdf(document) {
      if (closed) return Promise.reject(new Error('No more PDFs are made: the server is stopping'))
      if (waiting.size >= PDFS_WAITING_MAX) return Promise.reject(new ProblemError('overloaded'))
      clearTimeout(idle)
      worker ??= begin()
      lastId += 1
      const request: PdfRequest = { id: lastId, document }
      worker.ref()
      worker.postMessage(request)
      return new Promise((resolve, reject) => waiting.set(request.id, { resolve, reject }))
    },
    async close() {
      closed = true
      clearTimeout(idle)
      giveUp(waiting, new Error('The server is stopping'))
      await end()
    },
  }
}

function startWorker(): Worker {
  return new Worker(new URL('./pdf-thread-inside.ts', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: PDF_THREAD_HEAP_MB_MAX },
  })
}

function settle(waiting: Map<number, Waiting>, reply: PdfReply): void {
  const { resolve, reject } = waiting.get(reply.id) ?? {}
  waiting.delete(reply.id)
  if ('bytes' in reply) resolve?.(Buffer.from(reply.bytes.buffer as ArrayBuffer))
  else reject?.(new Error(reply.error))
}

function giveUp(waiting: Map<number, Waiting>, error: Error): void {
  for (const { reject } of waiting.values()) reject(error)
  waiting.clear()
}

import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { EXPORT_CHUNK_BYTES, EXPORT_STALLED_SECONDS_MAX } from '../../limits.ts'
import { type Coding, compressorOf } from './coding.ts'
import type { ExportSlots } from './export-slots.ts'
import type { ExportFile } from './usage-export.ts'

/**
 * Sends a file as it is made. The first piece is made before anything is sent, so that what fails then is
 * told as a problem; what fails later breaks the connection, since an end would look like the file's.
 * @throws ProblemError too_many_requests, overloaded
 */
export async function sendExport(
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  { slots, tenantNo }: { slots: ExportSlots; tenantNo: number },
  file: ExportFile,
  coding: Coding,
): Promise<FastifyReply> {
  if (request.method === 'HEAD') {
    return reply.headers(headersOf(file, coding)).send(Readable.from([]))
  }
  const release = slots.take(tenantNo)
  const gone = new AbortController()
  const onClose = () => {
    release()
    gone.abort()
  }
  reply.raw.once('close', onClose)
  // Who has left already is not told of once more.
  if (reply.raw.destroyed) onClose()
  let way: { body: Readable; into: Writable } | null = null
  // What was taken is in one of the two until it has been sent, or compressed.
  const isFree = () => way?.body.readableLength === 0 && way.into.writableLength === 0
  const pieces = file.pieces({ signal: gone.signal, isFree })
  const first = await pieces.next()
  const body = Readable.from(watched(first, pieces, reply), {
    objectMode: false,
    highWaterMark: EXPORT_CHUNK_BYTES,
  })
  reply.headers(headersOf(file, coding))
  const compressor = compressorOf(coding)
  way = { body, into: compressor ?? reply.raw }
  if (compressor === null) return reply.send(body)
  // What fails on either side ends both; the reply hears of it by the stream that it is sent.
  pipeline(body, compressor).catch(() => undefined)
  return reply.send(compressor)
}

function headersOf({ name, type, through }: ExportFile, coding: Coding): Record<string, string> {
  return {
    'content-type': type,
    'content-disposition': `attachment; filename="${name}"`,
    ...(through === null ? {} : { 'x-export-through': String(through) }),
    ...(coding === 'identity' ? {} : { 'content-encoding': coding }),
  }
}

/** Cuts off who takes nothing any more: others wait for the slot. */
async function* watched(
  first: IteratorResult<Buffer>,
  pieces: AsyncIterator<Buffer>,
  reply: FastifyReply,
): AsyncGenerator<Buffer> {
  try {
    for (let piece = first; piece.done !== true; piece = await pieces.next()) {
      const stalled = setTimeout(() => reply.raw.destroy(), EXPORT_STALLED_SECONDS_MAX * 1_000)
      try {
        yield piece.value
      } finally {
        clearTimeout(stalled)
      }
    }
  } finally {
    await pieces.return?.()
  }
}

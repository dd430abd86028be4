import { closeSync, openSync } from 'node:fs'
import { copyFile, open, rename, stat, truncate } from 'node:fs/promises'
import {
  POSTGRES_LOG_BYTES_MAX,
  POSTGRES_LOG_TAIL_BYTES,
  POSTGRES_LOG_TAIL_LINES,
} from '../../limits.ts'

/**
 * The file that PostgreSQL writes to directly. A pipe through Node would break when Node is killed,
 * and PostgreSQL goes on without it.
 */
export function openLog(path: string): { fd: number; close(): void } {
  const fd = openSync(path, 'a', 0o600)
  return { fd, close: () => closeSync(fd) }
}

/** Before a start: the old file steps back when it is large. */
export async function rotateLog(path: string): Promise<void> {
  if ((await logSize(path)) > POSTGRES_LOG_BYTES_MAX) await rename(path, `${path}.1`)
}

/** While PostgreSQL has it open: copied and emptied, which works because it only ever appends. */
export async function limitLog(path: string): Promise<void> {
  if ((await logSize(path)) <= POSTGRES_LOG_BYTES_MAX) return
  await copyFile(path, `${path}.1`)
  await truncate(path)
}

export async function logSize(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0
}

/** The last lines written after `offset`: why a start failed. */
export async function logTail(path: string, offset: number): Promise<string> {
  const file = await open(path, 'r').catch(() => null)
  if (file === null) return ''
  try {
    const { size } = await file.stat()
    const from = Math.max(offset <= size ? offset : 0, size - POSTGRES_LOG_TAIL_BYTES)
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(POSTGRES_LOG_TAIL_BYTES),
      0,
      POSTGRES_LOG_TAIL_BYTES,
      from,
    )
    const text = buffer.toString('utf8', 0, bytesRead).trim()
    return text.split('\n').slice(-POSTGRES_LOG_TAIL_LINES).join('\n')
  } finally {
    await file.close()
  }
}

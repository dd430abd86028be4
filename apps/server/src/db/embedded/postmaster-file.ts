import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { commandLine, processStart } from './process-identity.ts'

export type PostmasterFile = {
  pid: number
  port: number
  status: 'starting' | 'stopping' | 'ready' | string
}

const PORT_LINE = 3
const STATUS_LINE = 7

export const postmasterFilePath = (clusterDir: string) => join(clusterDir, 'postmaster.pid')

/** What the running server, or one that died, wrote about itself; null when there is no such file. */
export async function readPostmasterFile(clusterDir: string): Promise<PostmasterFile | null> {
  const text = await readFile(postmasterFilePath(clusterDir), 'utf8').catch(() => null)
  if (text === null) return null
  const lines = text.split('\n')
  return {
    pid: Number(lines[0]),
    port: Number(lines[PORT_LINE] ?? 0),
    status: lines[STATUS_LINE]?.trim() ?? 'starting',
  }
}

/** False for a pid that died, waits as a zombie, or was given to a stranger since. */
export async function isPostmasterOf(pid: number, clusterDir: string): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 1 || (await processStart(pid)) === null) return false
  // One string, since `ps` does not tell the spaces of a path from those between arguments.
  return (await commandLine(pid)).includes(`/postgres -D ${clusterDir} -p `)
}

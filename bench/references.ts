import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { CannotMeasure } from './failure.ts'
import type { CopyOrder } from './reference/copy.ts'
import type { Workspace } from './workspace.ts'

export type ReferenceServer = { host: string; port: number; pid: number }

export async function startEmptyServer(workspace: Workspace): Promise<ReferenceServer> {
  const child = start(workspace, 'empty-server.ts')
  const { port } = await answer<{ port: number }>(child)
  return { host: '127.0.0.1', port, pid: child.pid ?? -1 }
}

export async function startRowLockedServer(
  workspace: Workspace,
  databaseUrl: string,
  tenantIds: string[],
): Promise<ReferenceServer> {
  const child = start(workspace, 'row-locked-server.ts')
  child.send({ databaseUrl, tenantIds })
  const { port } = await answer<{ port: number }>(child)
  return { host: '127.0.0.1', port, pid: child.pid ?? -1 }
}

/** Copies as ordered and answers rows per second. */
export async function startCopier(
  workspace: Workspace,
  databaseUrl: string,
  tables: string[],
): Promise<(order: CopyOrder) => Promise<number>> {
  const child = start(workspace, 'copy.ts')
  child.send({ databaseUrl, tables })
  await answer(child)
  return async (order) => {
    child.send(order)
    const { rowsPerSecond } = await answer<{ rowsPerSecond: number }>(child)
    return rowsPerSecond
  }
}

function start(workspace: Workspace, file: string): ChildProcess {
  const path = fileURLToPath(new URL(`reference/${file}`, import.meta.url))
  const child = fork(path, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  workspace.onClose(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise((resolve) => {
      child.once('exit', resolve)
    })
    child.kill('SIGKILL')
    await exited
  })
  return child
}

function answer<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (): void =>
      reject(new CannotMeasure('A reference ended before it was measured.'))
    child.once('exit', onExit)
    child.once('message', (message) => {
      child.removeListener('exit', onExit)
      resolve(message as T)
    })
  })
}

import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { progress } from './report.ts'

/** Everybody may enter: PostgreSQL runs as another user than root. */
const FOLDER_MODE = 0o755

/** A temporary folder, and everything that must be undone when the bench ends, however it ends. */
export class Workspace {
  readonly folder: string
  readonly #keep: boolean
  readonly #undo: (() => Promise<void> | void)[] = []
  #closing: Promise<void> | null = null

  private constructor(folder: string, keep: boolean) {
    this.folder = folder
    this.#keep = keep
  }

  static async open(keep: boolean): Promise<Workspace> {
    const folder = await mkdtemp(join(tmpdir(), 'tollgate-bench-'))
    await chmod(folder, FOLDER_MODE)
    const workspace = new Workspace(folder, keep)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        workspace.close().finally(() => process.exit(1))
      })
    }
    return workspace
  }

  /** The last registered is undone first. */
  onClose(undo: () => Promise<void> | void): void {
    this.#undo.push(undo)
  }

  close(): Promise<void> {
    this.#closing ??= this.#undoAll()
    return this.#closing
  }

  async #undoAll(): Promise<void> {
    for (const undo of this.#undo.reverse()) {
      try {
        await undo()
      } catch (error) {
        progress(`cleaning up: ${(error as Error).message}`)
      }
    }
    if (this.#keep) progress(`kept ${this.folder}`)
    else await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

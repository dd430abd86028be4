import { Readable } from 'node:stream'
import { STREAM_BUFFER_BYTES } from '../../limits.ts'

export type Taken = 'taken' | 'slow' | 'gone'

/** What a reader's connection takes from, at its own pace; it holds one text that is not taken yet. */
export class Outlet extends Readable {
  #goOn: (() => void) | null = null

  constructor() {
    super({ highWaterMark: STREAM_BUFFER_BYTES })
  }

  override _read(): void {
    this.#goOn?.()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#goOn?.()
    done(error)
  }

  /** Waits until there is room for more, but not longer than `patienceMs`. */
  async give(text: string, patienceMs: number): Promise<Taken> {
    if (this.destroyed) return 'gone'
    if (this.push(text)) return 'taken'
    const isSlow = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(true), patienceMs)
      this.#goOn = () => {
        clearTimeout(timer)
        resolve(false)
      }
    })
    this.#goOn = null
    if (this.destroyed) return 'gone'
    return isSlow ? 'slow' : 'taken'
  }

  /** Ends the waiting of `give`. */
  hurry(): void {
    this.#goOn?.()
  }
}

import type pg from 'pg'

/**
 * Runs a `COPY … TO STDOUT`, whose rows come as bytes and not as objects. It takes no parameters: what
 * stands in `text` must be numbers and times of ours.
 * @param onRow given a row's bytes, good only until it returns
 */
export function copyOut(
  client: pg.ClientBase,
  text: string,
  onRow: (row: Buffer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new CopyOut(text, onRow, (error) => (error ? reject(error) : resolve())))
  })
}

type Done = (error: Error | null) => void

/** As the driver calls it (pg's lib/client.js). It puts its clock around `callback`. */
class CopyOut implements pg.Submittable {
  readonly text: string
  callback: Done
  readonly #onRow: (row: Buffer) => void
  #failure: Error | null = null

  constructor(text: string, onRow: (row: Buffer) => void, callback: Done) {
    this.text = text
    this.#onRow = onRow
    this.callback = callback
  }

  submit(connection: pg.Connection): void {
    connection.query(this.text)
  }

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    try {
      this.#onRow(chunk)
    } catch (error) {
      this.#failure ??= error as Error
    }
  }

  handleCommandComplete(): void {
    // That the server is ready for the next statement is what ends this one.
  }

  handleError(error: Error): void {
    this.callback(error)
  }

  handleReadyForQuery(): void {
    this.callback(this.#failure)
  }
}

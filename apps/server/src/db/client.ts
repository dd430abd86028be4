import pg from 'pg'

type Done = (error: Error | null | undefined, result?: unknown) => void

/**
 * The driver's connection, whose answers are garbage as soon as nobody needs them. The driver writes
 * `query.callback = (error, result) => …`, and V8 makes a function that is written as the value of a
 * property among the old objects at once. There it is found dead only when all of the heap is looked
 * through, and until then it keeps the rows of its query: a server that read much held most of it. What
 * is handed over as a callback is not made so, and the driver leaves it as it is unless it has a
 * `query_timeout`, so that clock is here as well.
 */
export class Client extends pg.Client {
  readonly #answerMsMax: number

  constructor(config: pg.ClientConfig = {}) {
    super({ ...config, query_timeout: 0 })
    this.#answerMsMax = config.query_timeout ?? 0
  }

  // As the driver's own, in all its forms; how they fit together is declared there.
  override query(statement: unknown, values?: unknown, callback?: unknown): never {
    return this.#send(statement, values, callback) as never
  }

  #send(statement: unknown, values: unknown, callback: unknown): unknown {
    if (isSubmittable(statement)) {
      const { callback: done } = statement
      if (done === undefined) return super.query(statement)
      this.#inTime(done, (first) => {
        statement.callback = first
        super.query(statement)
      })
      return statement
    }
    const ask = (done: Done, given?: unknown) =>
      this.#inTime(done, (first) => super.query(statement as string, given as unknown[], first))
    if (typeof values === 'function') return ask(values as Done)
    if (typeof callback === 'function') return ask(callback as Done, values)
    return new Promise((resolve, reject) => {
      ask((error, result) => (error ? reject(error) : resolve(result)), values)
    }).catch((error: Error) => {
      // It was made where the answer came in. Who asked is of more use.
      Error.captureStackTrace(error)
      throw error
    })
  }

  /** A server that does not answer gets no more questions: nobody knows what it is at. */
  #inTime(done: Done, ask: (first: Done) => void): void {
    if (this.#answerMsMax === 0) {
      ask(done)
      return
    }
    let late: NodeJS.Timeout | undefined
    ask((error, result) => {
      clearTimeout(late)
      done(error, result)
    })
    // After it was asked, since that may throw; no answer comes before this returns.
    late = setTimeout(() => {
      done(new Error('Query read timeout'))
      this.connection.stream.destroy()
    }, this.#answerMsMax)
  }
}

function isSubmittable(
  statement: unknown,
): statement is pg.Submittable & { callback?: Done | undefined } {
  return typeof (statement as { submit?: unknown } | null)?.submit === 'function'
}

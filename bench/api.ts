import { CannotMeasure } from './failure.ts'

/** Calls of Tollgate's HTTP API that are not measured. */
export class Api {
  readonly #origin: string
  readonly #key: string

  constructor(server: { host: string; port: number }, key: string) {
    this.#origin = `http://${server.host}:${server.port}`
    this.#key = key
  }

  get<T>(path: string): Promise<T> {
    return this.#call('GET', path)
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.#call('POST', path, body)
  }

  async #call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(this.#origin + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) {
      throw new CannotMeasure(`${method} ${path} answered ${response.status}: ${text}`)
    }
    return JSON.parse(text) as T
  }
}

import type pg from 'pg'

/** A lane's own connection: made when first needed, made anew after it broke. */
export class LaneConnection {
  private connecting: Promise<pg.Client> | null = null
  private readonly connect: () => Promise<pg.Client>

  constructor(connect: () => Promise<pg.Client>) {
    this.connect = connect
  }

  client(): Promise<pg.Client> {
    if (this.connecting === null) {
      const connecting = this.connect()
      this.connecting = connecting
      connecting.then(
        (client) => {
          const gone = () => {
            if (this.connecting === connecting) this.connecting = null
          }
          client.on('error', gone)
          client.on('end', gone)
        },
        () => {
          if (this.connecting === connecting) this.connecting = null
        },
      )
    }
    return this.connecting
  }

  /** Gives the connection up without waiting for it: what it had sent may or may not have happened. */
  discard(): void {
    void this.close()
  }

  async close(): Promise<void> {
    const connecting = this.connecting
    this.connecting = null
    if (connecting === null) return
    try {
      const client = await connecting
      await client.end()
    } catch {
      // It never came up or is gone already.
    }
  }
}

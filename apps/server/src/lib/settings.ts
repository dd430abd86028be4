/** What an operator sets and more than one room or door must know; from the environment, checked by config.ts. */
/** Who issues invoices, as they say it. */
export type Seller = {
  name: string
  address: string[]
  email: string | null
  tax_id: string | null
}

export type Settings = {
  seller: Seller
  dataDir: string
  catalogFile: string
  /** Lines are deleted only once they are in Parquet files in here. Null: they are deleted without. */
  archiveDir: string | null
  /** As people's browsers reach this server: for links in e-mails. Null: where it listens. */
  publicUrl: string | null
  /** Null: limits and lockouts are counted in this node's memory. */
  redis: RedisSettings | null
  /** Null: e-mails are written to files below the data folder. */
  smtpUrl: string | null
  mailFrom: string
  /** Origins whose pages may call the API from a browser. */
  corsOrigins: readonly string[]
  /** Addresses and networks of proxies whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[]
  /** HTTP requests per minute, whatever they ask; 0: no limit. */
  requestsPerKey: number
  requestsPerAddress: number
  /** Null: nobody collects for us; invoices are marked as paid by people. */
  stripe: StripeSettings | null
}

export type RedisSettings = {
  url: string
  /** How long an answer may take before a node counts by itself. */
  timeoutMs: number
}

export type StripeSettings = {
  secretKey: string
  webhookSecret: string
  /** Protocol, host and port. */
  apiUrl: string
}

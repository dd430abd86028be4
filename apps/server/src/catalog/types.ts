import type { Micros } from '../lib/micros.ts'
import type { Charge } from './charge-types.ts'
import type { TokenCredits } from './credits-from-tokens.ts'

export type RateUnit = 'second' | 'minute' | 'hour' | 'day'

/** At most `limit` calls in each window of `ms` milliseconds. */
export type RateLimit = { limit: number; per: RateUnit; ms: number }

/** What a plan's subscribers agreed to. A version never changes. */
export type PlanTerms = {
  /** The row of `plan_version`. */
  planVersionNo: number
  plan: string
  version: number
  description: string
  /** Whether people may take it by themselves when they sign up. */
  selfService: boolean
  /** Which calls use quota, credits and money: those that succeeded, or all. */
  counts: 'success' | 'all'
  /** Units per period; what goes beyond is denied, or recorded as overage and charged. */
  quota: { limit: Micros; overage: 'deny' | 'charge' } | null
  rateLimits: readonly RateLimit[]
  /** Whether premium endpoints may be used. */
  premium: boolean
  /** `required`: every counted call is paid from credits and stops where they end. */
  credits: 'none' | 'required'
  /** Patterns `service path`; a call must match one of `allow` and none of `deny`. */
  endpoints: { allow: readonly string[]; deny: readonly string[] }
  /** In the plan's own currency. */
  price: PlanPrice
  /** By currency; the plan's own is among them. */
  prices: ReadonlyMap<string, PlanPrice>
  /** Nothing is charged for so long from the first subscription on. */
  trialDays: number
  /** Credits that each period begins with; `rolloverMax` of what is left is kept at its end. */
  allowance: { credits: Micros; rolloverMax: Micros } | null
  features: PlanFeatures
}

/** What is paid: one charge after the other, in the order of the bill. */
export type PlanPrice = { currency: string; charges: readonly Charge[] }

export type PlanFeatures = {
  granularity: 'daily' | 'hourly' | 'second'
  export: boolean
  alerts: boolean
  performance: boolean
  realtime: boolean
  /** Whole months before the running period that stay readable; null: all of them. */
  retentionMonths: number | null
}

/** What is known of a call when its credits are worked out. */
export type CallToPrice = {
  service: string
  endpoint: string
  method: string | null
  region: string | null
  feature: string | null
  quantity: Micros
  /** In all, for the whole event, as the request says; null when it says nothing. */
  reportedCredits: Micros | null
  reportedPremium: boolean | null
}

export type CallPrice = { credits: Micros; premium: boolean }

/** The endpoint rules of all services, compiled. A new version is a new object. */
export type CatalogRules = {
  /** The row of `catalog_rules`. */
  version: number
  services: ReadonlyMap<string, ServiceRules>
}

/** What statistics go by. Another object after a change. */
export type CatalogUsage = {
  /** Formats by family, besides and before those that are known anyway. */
  formats: Readonly<Record<string, readonly string[]>>
  /** By whose values calls are counted, in order. */
  properties: readonly string[]
}

export type ServiceRules = {
  /** Whether the credits and premium of a request are believed where no rule matches. */
  trustReported: boolean
  /** The first that matches wins. */
  endpoints: readonly EndpointRule[]
}

export type EndpointRule = {
  /** To be asked with a normalised path. */
  matchesPath: (path: string) => boolean
  /** Upper case; null: any. */
  methods: readonly string[] | null
  /** Per unit of quantity. */
  credits: Micros
  /** Instead of `credits`: quantity is a number of characters. */
  textCredits: TokenCredits | null
  premium: boolean
  /** By value in lower case; what is not listed has factor 1. */
  regionFactors: ReadonlyMap<string, Micros>
  featureFactors: ReadonlyMap<string, Micros>
}

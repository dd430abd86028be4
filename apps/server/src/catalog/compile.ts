import { type Micros, microsFromNumber } from '../lib/micros.ts'
import { compileCharges } from './compile-charges.ts'
import { compilePathPattern } from './pattern.ts'
import type { PlanDefinition, ServiceDefinition, ServiceDefinitions } from './schema.ts'
import type {
  CatalogRules,
  EndpointRule,
  PlanPrice,
  PlanTerms,
  RateLimit,
  RateUnit,
  ServiceRules,
} from './types.ts'

type RuleDefinition = ServiceDefinition['endpoints'][number]

const MS_PER: Record<RateUnit, number> = {
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
}

export function compileTerms(
  planVersionNo: number,
  plan: string,
  version: number,
  definition: PlanDefinition,
): PlanTerms {
  const { quota, rate_limits, price, prices, allowance, features } = definition
  const compilePrice = (each: PlanDefinition['price']): PlanPrice => {
    return { currency: each.currency, charges: compileCharges(plan, definition, each) }
  }
  return {
    planVersionNo,
    plan,
    version,
    description: definition.description,
    selfService: definition.self_service,
    counts: definition.counts,
    quota: quota && { limit: micros(quota.limit), overage: quota.overage },
    rateLimits: rate_limits.map(({ limit, per }): RateLimit => ({ limit, per, ms: MS_PER[per] })),
    premium: definition.premium,
    credits: definition.credits,
    endpoints: definition.endpoints,
    price: compilePrice(price),
    prices: new Map([price, ...prices].map((each) => [each.currency, compilePrice(each)] as const)),
    trialDays: definition.trial_days,
    allowance: allowance && {
      credits: micros(allowance.credits),
      rolloverMax: micros(allowance.rollover_max),
    },
    features: {
      granularity: features.granularity,
      export: features.export,
      alerts: features.alerts,
      performance: features.performance,
      realtime: features.realtime,
      retentionMonths: features.retention_months,
    },
  }
}

/**
 * @param registered services by name, with whether they were registered as trusted; a catalog that
 *   says so itself for a service overrules it, and a service that neither names is trusted
 */
export function compileRules(
  version: number,
  definitions: ServiceDefinitions,
  registered: ReadonlyMap<string, boolean>,
): CatalogRules {
  const services = new Map<string, ServiceRules>()
  for (const [name, trustReported] of registered) {
    services.set(name, { trustReported, endpoints: [] })
  }
  for (const [name, definition] of Object.entries(definitions)) {
    services.set(name, {
      trustReported: definition.trust_reported ?? registered.get(name) ?? true,
      endpoints: definition.endpoints.map(compileRule),
    })
  }
  return { version, services }
}

function compileRule(rule: RuleDefinition): EndpointRule {
  return {
    matchesPath: compilePathPattern(rule.path),
    methods: rule.methods,
    credits: micros(rule.credits),
    textCredits: rule.credits_from_tokens && compileTokens(rule.credits_from_tokens),
    premium: rule.premium,
    regionFactors: compileFactors(rule.factors.region),
    featureFactors: compileFactors(rule.factors.feature),
  }
}

function compileTokens(
  rule: NonNullable<RuleDefinition['credits_from_tokens']>,
): EndpointRule['textCredits'] {
  const { characters_per_token, ...others } = rule
  return { charactersPerToken: BigInt(characters_per_token), ...others }
}

function compileFactors(byValue: Record<string, number>): ReadonlyMap<string, Micros> {
  return new Map(
    Object.entries(byValue).map(([value, factor]) => [value.toLowerCase(), micros(factor)]),
  )
}

function micros(value: number): Micros {
  const result = microsFromNumber(value)
  if (result === null) throw new RangeError(`${value} has more decimals than a credit has`)
  return result
}

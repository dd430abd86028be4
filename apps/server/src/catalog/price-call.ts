import { MICROS_PER_UNIT, type Micros } from '../lib/micros.ts'
import { CREDITS_MAX, RULE_MATCHES_CACHED_MAX, RULES_ASKED_UNCACHED_MAX } from '../limits.ts'
import { charactersOfQuantity, creditsFromTokens } from './credits-from-tokens.ts'
import { normalisePath } from './path.ts'
import type { CallPrice, CallToPrice, CatalogRules, EndpointRule, ServiceRules } from './types.ts'

const COST_MAX: Micros = BigInt(CREDITS_MAX) * MICROS_PER_UNIT

/**
 * What a call costs, and whether it is premium. The first rule that matches wins over what the
 * request says; without one the request is believed if its service is trusted, and a request that
 * says nothing costs one credit per unit. Never more than CREDITS_MAX, which is the most that the
 * wire can carry.
 */
export function priceCall(rules: CatalogRules, call: CallToPrice): CallPrice {
  const service = rules.services.get(call.service)
  const rule = service === undefined ? null : ruleFor(service, call.endpoint, call.method)
  if (rule !== null) return { credits: atMost(costByRule(rule, call)), premium: rule.premium }
  if (service?.trustReported === false) return { credits: atMost(call.quantity), premium: false }
  return {
    credits: atMost(call.reportedCredits ?? call.quantity),
    premium: call.reportedPremium ?? false,
  }
}

function costByRule(rule: EndpointRule, call: CallToPrice): Micros {
  const region = factorFor(rule.regionFactors, call.region)
  const feature = factorFor(rule.featureFactors, call.feature)
  if (rule.textCredits !== null) {
    const credits = creditsFromTokens(charactersOfQuantity(call.quantity), rule.textCredits)
    return roundHalfUp(credits * region * feature, MICROS_PER_UNIT ** 2n)
  }
  if (region === MICROS_PER_UNIT && feature === MICROS_PER_UNIT) {
    return roundHalfUp(rule.credits * call.quantity, MICROS_PER_UNIT)
  }
  // Rounded once, at the end: two roundings would make the order of the factors matter.
  return roundHalfUp(rule.credits * region * feature * call.quantity, MICROS_PER_UNIT ** 3n)
}

function factorFor(factors: ReadonlyMap<string, Micros>, value: string | null): Micros {
  if (value === null || factors.size === 0) return MICROS_PER_UNIT
  return factors.get(value.toLowerCase()) ?? MICROS_PER_UNIT
}

function roundHalfUp(value: bigint, divisor: bigint): bigint {
  return (value + divisor / 2n) / divisor
}

function atMost(credits: Micros): Micros {
  return credits < COST_MAX ? credits : COST_MAX
}

// Rules are asked one by one, so a service with hundreds of them would cost every call dearly; for
// a few, asking them is faster than the cache.
const matchesByService = new WeakMap<ServiceRules, Map<string, EndpointRule | null>>()

function ruleFor(
  service: ServiceRules,
  endpoint: string,
  method: string | null,
): EndpointRule | null {
  if (service.endpoints.length <= RULES_ASKED_UNCACHED_MAX) {
    return firstMatch(service, normalisePath(endpoint), method)
  }
  let matches = matchesByService.get(service)
  if (matches === undefined) {
    matches = new Map()
    matchesByService.set(service, matches)
  }
  const key = `${method ?? ''} ${endpoint}`
  let rule = matches.get(key)
  if (rule === undefined) {
    rule = firstMatch(service, normalisePath(endpoint), method)
    if (matches.size >= RULE_MATCHES_CACHED_MAX) matches.clear()
    matches.set(key, rule)
  }
  return rule
}

/** A call that does not say its method falls under rules for any, or leaving it out would be a way around them. */
function firstMatch(
  { endpoints }: ServiceRules,
  path: string,
  method: string | null,
): EndpointRule | null {
  const verb = method?.toUpperCase()
  const rule = endpoints.find(
    ({ methods, matchesPath }) =>
      (methods === null || verb === undefined || methods.includes(verb)) && matchesPath(path),
  )
  return rule ?? null
}

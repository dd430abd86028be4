import { normalisePath } from './path.ts'
import { compilePathPattern, compileWildcards, type Matches } from './pattern.ts'
import type { PlanTerms } from './types.ts'

type Access = PlanTerms['endpoints']
type CompiledAccess = { allow: EndpointPattern[]; deny: EndpointPattern[] }
type EndpointPattern = { service: Matches; path: Matches }

// The terms of a version never change, so what was compiled for them holds as long as they do.
const compiledAccess = new WeakMap<Access, CompiledAccess>()

/** Whether the plan lets its subscribers call the endpoint: one of `allow`, none of `deny`. */
export function endpointAllowed(terms: PlanTerms, service: string, endpoint: string): boolean {
  const { allow, deny } = compiled(terms.endpoints)
  if (deny.length === 0 && allow.includes(EVERYTHING)) return true
  const path = normalisePath(endpoint)
  const matches = (pattern: EndpointPattern) => pattern.service(service) && pattern.path(path)
  return allow.some(matches) && !deny.some(matches)
}

const EVERYTHING: EndpointPattern = { service: () => true, path: () => true }

function compiled(access: Access): CompiledAccess {
  let result = compiledAccess.get(access)
  if (result === undefined) {
    result = { allow: access.allow.map(compile), deny: access.deny.map(compile) }
    compiledAccess.set(access, result)
  }
  return result
}

/** `service path`; a service alone stands for all its paths. */
function compile(pattern: string): EndpointPattern {
  if (pattern === '*') return EVERYTHING
  const [service = '', path = '*'] = pattern.split(' ')
  return { service: compileWildcards(service), path: compilePathPattern(path) }
}

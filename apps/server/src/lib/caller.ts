/** Who sent a request, as its key says. */
export type Caller =
  | { kind: 'tenant'; keyNo: number; tenantNo: number; tenantId: string }
  | { kind: 'service'; keyNo: number; serviceName: string }
  | { kind: 'operator'; keyNo: number }

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before the handler of every route but the public ones runs. */
    caller: Caller
    /**
     * The number of the tenant that a request is about: the key's own, or the one it names. A
     * tenant's key speaks for its own tenant only; another one's name is answered as one that does
     * not exist.
     * @throws ProblemError invalid_request, tenant_not_found
     */
    tenantNo(tenantId: string | undefined): number | Promise<number>
  }
  interface FastifyContextConfig {
    /** Who may use the route. A route that does not say so does not start. */
    allow?: readonly Caller['kind'][] | 'everyone'
  }
}

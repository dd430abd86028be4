import assert from 'node:assert/strict'
import {
  acceptedReply,
  acceptInvitationReply,
  alertsReply,
  alertsSetReply,
  auditReply,
  backtestReply,
  billingReply,
  breakdownReply,
  createKeyReply,
  createServiceReply,
  creditsReply,
  creditsStateReply,
  currentReply,
  entriesReply,
  estimateReply,
  explainReply,
  forecastReply,
  historyReply,
  holdReply,
  invitationReply,
  invitationsReply,
  invoiceReply,
  invoicesReply,
  keyReply,
  keysReply,
  keysUsageReply,
  memberReply,
  membersReply,
  meReply,
  performanceReply,
  planChangesReply,
  plansReply,
  planVersionsReply,
  problem,
  quotaReply,
  rotateKeyReply,
  rotateSigningKeyReply,
  serviceKeysReply,
  serviceRulesReply,
  servicesReply,
  sessionsReply,
  signingKeysReply,
  signUpReply,
  subscriptionPreviewReply,
  subscriptionReply,
  recommendationsReply,
  summaryReply,
  teamsUsageReply,
  tenantReply,
  tenantsReply,
  testClockReply,
  timeseriesReply,
  tokensReply,
  topUpReply,
  trackBatchReply,
  trackReply,
  voidReply,
} from '@tollgate/contract'
import { z } from 'zod'
import { BILLING_REPLIES } from './api-contract-billing.ts'
import type { Reply, TestNode } from './node.ts'

const text = z.string()
const nothing = z.literal('')
const alive = z.object({ status: z.literal('ok') })

/** What each operation may answer, by status, as its users know it from the contract. */
export const REPLIES: Record<string, Record<number, z.ZodType>> = {
  'POST /auth/signup': { 201: signUpReply },
  'POST /auth/login': { 200: tokensReply },
  'POST /auth/refresh': { 200: tokensReply },
  'POST /auth/logout': { 204: nothing },
  'GET /auth/me': { 200: meReply },
  'GET /auth/sessions': { 200: sessionsReply },
  'DELETE /auth/sessions/{id}': { 204: nothing },
  'POST /auth/password/change': { 204: nothing },
  'POST /auth/password/forgot': { 202: acceptedReply },
  'POST /auth/password/reset': { 204: nothing },
  'POST /auth/email/verify': { 204: nothing },
  'POST /auth/email/verify/resend': { 202: acceptedReply },
  'GET /.well-known/jwks.json': { 200: signingKeysReply },
  'POST /api/admin/signing-keys/rotate': { 201: rotateSigningKeyReply },
  'POST /api/track': {
    200: z.union([trackReply, trackBatchReply]),
    402: trackReply,
    403: trackReply,
    429: trackReply,
  },
  'POST /api/events': { 204: nothing },
  'POST /api/events/{id}/void': { 200: voidReply },
  'POST /api/holds': { 201: holdReply },
  'POST /api/holds/{id}/settle': { 200: holdReply },
  'POST /api/holds/{id}/release': { 200: holdReply },
  'GET /api/quota': { 200: quotaReply },
  'GET /api/entries': { 200: entriesReply },
  'GET /api/usage/summary': { 200: summaryReply },
  'GET /api/usage/history': { 200: historyReply },
  'GET /api/usage/current': { 200: currentReply },
  'GET /api/usage/breakdown': { 200: breakdownReply },
  'GET /api/usage/performance': { 200: performanceReply },
  'GET /api/usage/keys': { 200: keysUsageReply },
  'GET /api/usage/teams': { 200: teamsUsageReply },
  'GET /api/usage/timeseries': { 200: timeseriesReply },
  'GET /api/usage/forecast': { 200: forecastReply },
  'GET /api/usage/recommendations': { 200: recommendationsReply },
  'GET /api/usage/export': { 200: text },
  'GET /api/usage/metrics': { 200: text },
  'GET /api/usage/stream': { 200: text },
  'GET /api/admin/tenants/{id}/usage/summary': { 200: summaryReply },
  'GET /api/admin/tenants/{id}/usage/history': { 200: historyReply },
  'GET /api/admin/tenants/{id}/usage/current': { 200: currentReply },
  'GET /api/admin/tenants/{id}/usage/breakdown': { 200: breakdownReply },
  'GET /api/admin/tenants/{id}/usage/performance': { 200: performanceReply },
  'GET /api/admin/tenants/{id}/usage/keys': { 200: keysUsageReply },
  'GET /api/admin/tenants/{id}/usage/teams': { 200: teamsUsageReply },
  'GET /api/admin/tenants/{id}/usage/timeseries': { 200: timeseriesReply },
  'GET /api/admin/tenants/{id}/usage/forecast': { 200: forecastReply },
  'GET /api/admin/tenants/{id}/usage/recommendations': { 200: recommendationsReply },
  'GET /api/admin/tenants/{id}/usage/export': { 200: text },
  'GET /api/admin/tenants/{id}/usage/metrics': { 200: text },
  'GET /api/admin/tenants/{id}/usage/stream': { 200: text },
  'GET /api/usage/alerts': { 200: alertsReply },
  'POST /api/usage/alerts': { 200: alertsSetReply },
  'DELETE /api/usage/alerts/{alert_id}': { 204: nothing },
  'GET /api/admin/tenants/{id}/usage/alerts': { 200: alertsReply },
  'GET /api/credits': { 200: creditsStateReply },
  'GET /api/credits/entries': { 200: entriesReply },
  'POST /api/credits/top-ups': { 201: topUpReply },
  'GET /api/subscription': { 200: subscriptionReply },
  'POST /api/subscription': { 200: subscriptionReply },
  'POST /api/subscription/preview': { 200: subscriptionPreviewReply },
  'POST /api/subscription/cancel': { 200: subscriptionReply },
  'POST /api/subscription/pause': { 200: subscriptionReply },
  'POST /api/subscription/resume': { 200: subscriptionReply },
  'GET /api/billing/current': { 200: billingReply },
  'GET /api/billing/upcoming': { 200: invoiceReply },
  'GET /api/billing/invoices': { 200: invoicesReply },
  'GET /api/billing/invoices/{id}': { 200: invoiceReply },
  'GET /api/billing/invoices/{id}/explain': { 200: explainReply },
  'POST /api/admin/tenants/{id}/clock': { 200: testClockReply },
  'POST /api/billing/estimate': { 200: estimateReply },
  'POST /api/admin/backtest': { 200: backtestReply },
  'POST /api/admin/tenants': { 201: tenantReply },
  'GET /api/admin/tenants': { 200: tenantsReply },
  'GET /api/admin/tenants/{id}': { 200: tenantReply },
  'PATCH /api/admin/tenants/{id}': { 200: tenantReply },
  'POST /api/admin/tenants/{id}/credits': { 201: creditsReply },
  'POST /api/admin/tenants/{id}/keys': { 201: createKeyReply },
  'GET /api/admin/tenants/{id}/keys': { 200: keysReply },
  'GET /api/keys': { 200: keysReply },
  'POST /api/keys': { 201: createKeyReply },
  'PATCH /api/keys/{id}': { 200: keyReply },
  'POST /api/keys/{id}/rotate': { 200: rotateKeyReply },
  'DELETE /api/keys/{id}': { 204: nothing },
  'PATCH /api/admin/tenants/{id}/keys/{key_id}': { 200: keyReply },
  'POST /api/admin/tenants/{id}/keys/{key_id}/rotate': { 200: rotateKeyReply },
  'DELETE /api/admin/keys/{id}': { 204: nothing },
  'POST /api/admin/services': { 201: createServiceReply },
  'GET /api/admin/services': { 200: servicesReply },
  'POST /api/admin/services/{name}/keys': { 201: createKeyReply },
  'GET /api/admin/services/{name}/keys': { 200: serviceKeysReply },
  'GET /api/admin/services/{name}/rules': { 200: serviceRulesReply },
  'PUT /api/admin/services/{name}/rules': { 200: serviceRulesReply },
  'GET /api/plans': { 200: plansReply },
  'GET /api/admin/plans': { 200: planVersionsReply },
  'POST /api/admin/plans': { 200: planChangesReply },
  'DELETE /api/admin/plans/{name}': { 200: planChangesReply },
  'POST /api/admin/tenants/{id}/unlock': { 204: nothing },
  'POST /api/admin/members/{id}/unlock': { 204: nothing },
  'GET /api/audit': { 200: auditReply },
  'GET /api/admin/audit': { 200: auditReply },
  'GET /api/members': { 200: membersReply },
  'PATCH /api/members/{id}': { 200: memberReply },
  'DELETE /api/members/{id}': { 204: nothing },
  'GET /api/members/invitations': { 200: invitationsReply },
  'POST /api/members/invitations': { 201: invitationReply },
  'DELETE /api/members/invitations/{id}': { 204: nothing },
  'GET /api/admin/members': { 200: membersReply },
  'PATCH /api/admin/members/{id}': { 200: memberReply },
  'DELETE /api/admin/members/{id}': { 204: nothing },
  'GET /api/admin/members/invitations': { 200: invitationsReply },
  'POST /api/admin/members/invitations': { 201: invitationReply },
  'DELETE /api/admin/members/invitations/{id}': { 204: nothing },
  'GET /api/admin/tenants/{id}/members': { 200: membersReply },
  'POST /auth/invitations/accept': { 201: acceptInvitationReply },
  ...BILLING_REPLIES,
  'GET /health': { 200: alive },
  'GET /ready': { 200: alive },
  'GET /metrics': { 200: text },
  'GET /openapi.json': { 200: z.record(z.string(), z.unknown()) },
}

const operations = Object.keys(REPLIES).map((operation) => {
  const [method, path] = operation.split(' ') as [string, string]
  return { operation, method, pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`) }
})

/** The node, whose every reply is compared with the contract before a test sees it. */
export function watched(node: TestNode): TestNode {
  const call: TestNode['call'] = async (method, path, key, body) => {
    const reply = await node.call(method, path, key, body)
    checkReply(method, path, reply)
    return reply
  }
  return {
    ...node,
    call,
    admin: (method, path, body) => call(method, path, node.operatorKey, body),
  }
}

/** Fails unless the contract says of this operation that it answers so. */
export function checkReply(method: string, path: string, reply: Reply): void {
  const { pathname } = new URL(path, 'http://any')
  const found = operations.find((one) => one.method === method && one.pattern.test(pathname))
  const schema = isProblem(reply) ? problem : REPLIES[found?.operation ?? '']?.[reply.status]
  const what = `${method} ${path} → ${reply.status}`
  if (schema === undefined) throw new Error(`${what} is not in the contract: ${show(reply.body)}`)
  const parsed = schema.safeParse(reply.body)
  if (!parsed.success) {
    throw new Error(`${what} does not fit: ${show(parsed.error.issues)} in ${show(reply.body)}`)
  }
  // An object's schema leaves out what it does not know: then the two would differ.
  assert.deepEqual(parsed.data, reply.body, `${what} has fields that the contract does not name`)
  assert.ok(reply.headers.get('x-request-id'), `${what} has no x-request-id`)
}

function isProblem(reply: Reply): boolean {
  return reply.headers.get('content-type')?.startsWith('application/problem+json') === true
}

function show(value: unknown): string {
  return JSON.stringify(value).slice(0, 600)
}

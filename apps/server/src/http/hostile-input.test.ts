import assert from 'node:assert/strict'
import { after, afterEach, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import {
  badValue,
  brokenBody,
  hostileText,
  type JsonText,
  type Kind,
  unknownField,
} from '../../test/api-hostile.ts'
import { BATCHED, type Sent, STRUCTURED, send } from '../../test/api-request.ts'
import { billedTenants } from '../../test/billed-tenants.ts'
import { expectStatus, type Reply, testNode } from '../../test/node.ts'

const node = await testNode()
after(() => node.stop())
const tenant = await node.tenant({ plan: 'prepaid', tenant_id: 'acme' })
const grant = { amount: 100, reason: 'test' }
expectStatus(await node.admin('POST', '/api/admin/tenants/acme/credits', grant), 201)
const hold = expectStatus(await node.call('POST', '/api/holds', tenant.key, { credits: 1 }), 201)
  .body.hold_id
const event = expectStatus(
  await node.call('POST', '/api/track', tenant.key, { endpoint: '/x' }),
  200,
).body.event_id
const { invoiceId } = await (await billedTenants(node)).invoiced(1)

await node.service('hostile')

/** Fields of a body by kind, and what makes the body valid without them. */
type Body = {
  path: string
  method?: string
  headers?: Record<string, string>
  valid: object
  fields: Record<string, Kind>
}

const CALL: Record<string, Kind> = {
  service_name: 'text',
  endpoint: 'text',
  method: 'method',
  credits_used: 'quantity',
  premium: 'boolean',
  timestamp: 'instant',
  status: 'choice',
  region: 'text',
  feature: 'text',
  file_type: 'text',
  output_format: 'text',
  file_size_bytes: 'count',
  processing_time_ms: 'count',
  error_code: 'text',
  token_count: 'count',
  quantity: 'quantity',
  properties: 'properties',
}
const BODIES: Body[] = [
  {
    path: '/api/track',
    valid: { endpoint: '/x' },
    fields: { ...CALL, tenant_id: 'tenantId', account_id: 'tenantId', idempotency_key: 'text' },
  },
  {
    path: '/api/holds',
    valid: { credits: 1 },
    fields: {
      credits: 'credits',
      tenant_id: 'tenantId',
      expires_in_seconds: 'seconds',
      idempotency_key: 'text',
    },
  },
  {
    path: `/api/holds/${hold}/settle`,
    valid: { credits: 0 },
    fields: { credits: 'quantity', allow_more: 'boolean' },
  },
  { path: `/api/events/${event}/void`, valid: { reason: 'r' }, fields: { reason: 'text' } },
  {
    path: '/api/admin/tenants',
    valid: { name: 'n', email: 'n@example.com', plan: 'pro' },
    fields: {
      name: 'text',
      email: 'email',
      plan: 'text',
      tenant_id: 'tenantId',
      time_zone: 'timeZone',
      region: 'text',
    },
  },
  {
    path: '/api/admin/tenants/acme',
    method: 'PATCH',
    valid: { name: 'n' },
    fields: { name: 'text', email: 'email', plan: 'text', status: 'choice', time_zone: 'timeZone' },
  },
  {
    path: '/api/admin/tenants/acme/credits',
    valid: { amount: 1, reason: 'r' },
    fields: {
      amount: 'credits',
      reason: 'text',
      priority: 'priority',
      expires_at: 'expiry',
      bought: 'boolean',
      idempotency_key: 'text',
    },
  },
  {
    path: '/api/credits/top-ups',
    valid: { credits: 1 },
    fields: { credits: 'credits', tenant_id: 'tenantId', idempotency_key: 'text' },
  },
  {
    path: '/api/usage/alerts?tenant_id=acme',
    valid: { alerts: [{ type: 'daily_limit', threshold: 1_000 }] },
    fields: { alerts: 'list' },
  },
  {
    path: '/api/subscription',
    valid: { plan: 'free' },
    fields: { plan: 'text', when: 'choice', tenant_id: 'tenantId', idempotency_key: 'text' },
  },
  {
    path: '/api/subscription/cancel',
    valid: {},
    fields: { when: 'choice', tenant_id: 'tenantId', idempotency_key: 'text' },
  },
  {
    path: '/api/admin/services',
    valid: { name: 's' },
    fields: { name: 'serviceName', trust_reported: 'boolean' },
  },
  {
    path: '/api/admin/plans',
    valid: { plans: { gold: {} } },
    fields: { plans: 'mapping', meters: 'mapping' },
  },
  {
    path: '/api/admin/services/hostile/rules',
    method: 'PUT',
    valid: { endpoints: [] },
    fields: { trust_reported: 'flag', endpoints: 'list' },
  },
  {
    path: '/api/admin/backtest',
    valid: { catalog: { catalog: 1, plans: { p: {} } }, from: '2025-01-01', to: '2025-02-01' },
    fields: { catalog: 'catalog', from: 'moment', to: 'moment', limit: 'seconds' },
  },
  {
    path: '/api/admin/tenants/acme/billing',
    method: 'PUT',
    valid: { tax_rate: '19' },
    fields: {
      legal_name: 'textOrNull',
      email: 'emailOrNull',
      tax_id: 'textOrNull',
      tax_rate: 'percentOrNull',
      currency: 'currencyOrNull',
      minimum_commitment: 'moneyOrNull',
      late_usage: 'choice',
    },
  },
  {
    path: '/api/admin/tenants/acme/discounts',
    valid: { description: 'd', kind: 'amount', value: '5' },
    fields: { description: 'text', kind: 'choice', value: 'money', periods: 'periods' },
  },
  {
    path: `/api/admin/invoices/${invoiceId}/status`,
    valid: { status: 'paid' },
    fields: { status: 'choice', reason: 'text' },
  },
  {
    path: `/api/admin/invoices/${invoiceId}/credit-notes`,
    valid: { amount: '0.01', reason: 'r' },
    fields: { amount: 'money', reason: 'text', idempotency_key: 'text' },
  },
]
const CLOUD_EVENT: Body = {
  path: '/api/events',
  headers: STRUCTURED,
  valid: { specversion: '1.0', id: 'i', source: 's', type: 't', subject: 'acme' },
  fields: {
    specversion: 'choice',
    id: 'text',
    source: 'text',
    type: 'text',
    subject: 'tenantId',
    time: 'instant',
    datacontenttype: 'choice',
    dataschema: 'text',
  },
}

let lines: unknown
const everything = () =>
  node.server.pool
    .query(`SELECT (SELECT sum(last_seq) FROM account) AS lines, (SELECT count(*) FROM tenant) AS tenants,
      (SELECT count(*) FROM service) AS services, (SELECT count(*) FROM api_key) AS keys,
      (SELECT count(*) FROM plan_version) AS plans, (SELECT count(*) FROM catalog_rules) AS rules,
      (SELECT count(*) FROM billing_profile) AS profiles, (SELECT count(*) FROM discount) AS discounts,
      (SELECT count(*) FROM credit_note) AS notes,
      (SELECT count(*) FROM alert_rule) AS alerts, (SELECT status FROM invoice) AS status`)
    .then(({ rows }) => rows[0])
beforeEach(async () => {
  lines = await everything()
})
afterEach(async () => {
  assert.deepEqual(await everything(), lines, 'refused input was recorded')
  expectStatus(await node.call('GET', '/health', null), 200)
})

const ATTACKS_AT_ONCE = 10

/** Sends many attacks, some at a time; each must be refused as a problem of the sender, by name. */
async function refuses(
  attack: fc.Arbitrary<{ sent: Sent; names: string[] }>,
  attacks: number,
): Promise<void> {
  const attacksAtOnce = fc.array(attack, { minLength: ATTACKS_AT_ONCE, maxLength: ATTACKS_AT_ONCE })
  const allRefused = fc.asyncProperty(attacksAtOnce, async (wave) => {
    await Promise.all(
      wave.map(async ({ sent, names }) =>
        assertRefused(await send(node.url, keyFor(sent), sent), sent, names),
      ),
    )
  })
  await fc.assert(allRefused, { numRuns: attacks / ATTACKS_AT_ONCE })
}

function keyFor({ path }: Sent): string {
  const operators = ['/api/admin', '/api/subscription', '/api/credits', '/api/usage/alerts'].some(
    (start) => path.startsWith(start),
  )
  return operators || path.endsWith('/void') ? node.operatorKey : tenant.key
}

function assertRefused(reply: Reply, sent: Sent, names: string[]): void {
  const seen = `${sent.method} ${sent.path} ${String(sent.body).slice(0, 300)} → ${reply.status} ${JSON.stringify(reply.body).slice(0, 500)}`
  // An array is a batch, whose events are refused one by one.
  if (sent.path === '/api/track' && reply.status === 200) {
    for (const { code } of reply.body.results) assert.equal(code, 'invalid_request', seen)
    return
  }
  assert.ok(reply.status >= 400 && reply.status < 500, seen)
  assert.match(reply.headers.get('content-type') ?? '', /^application\/problem\+json/, seen)
  const { code, request_id, errors = [] } = reply.body
  assert.ok(code && request_id, seen)
  assert.ok(
    JSON.stringify(reply.body).length < 20_000,
    `an answer of that size helps attackers: ${seen}`,
  )
  if (names.length === 0) return
  const named = errors.map(({ field }: { field: string }) => field)
  assert.ok(
    named.some((field: string) => names.some((name) => field.startsWith(name))),
    `${names} not named: ${seen}`,
  )
}

function textOf(body: object, field: string, value: JsonText): string {
  const members = Object.entries(body).filter(([name]) => name !== field)
  return `{${[...members.map(([name, member]) => `${JSON.stringify(name)}:${JSON.stringify(member)}`), `${JSON.stringify(field)}:${value}`].join(',')}}`
}

const request = (
  { path, method = 'POST', headers = {} }: Body,
  body: string | Uint8Array,
): Sent => ({
  method,
  path,
  headers,
  body,
})

test('a field with a value that it may not have is named, in every body', async () => {
  const attack = fc.constantFrom(...BODIES, CLOUD_EVENT).chain((body) =>
    fc.constantFrom(...Object.keys(body.fields)).chain((field) =>
      badValue(body.fields[field]!).map((value) => ({
        sent: request(body, textOf(body.valid, field, value)),
        names: [field],
      })),
    ),
  )
  await refuses(attack, 1_500)
})

test('so is a field of the data of a CloudEvent, alone and in a batch', async () => {
  const attack = fc.constantFrom(...Object.keys(CALL)).chain((field) =>
    fc.tuple(badValue(CALL[field]!), fc.boolean()).map(([value, batch]) => {
      // An id of its own: whether a time is too old is asked of what is new.
      const event = { ...CLOUD_EVENT.valid, id: `${field} ${value}`.slice(0, 100) }
      const text = textOf(event, 'data', `{${JSON.stringify(field)}:${value}}`)
      return batch
        ? {
            sent: request({ ...CLOUD_EVENT, headers: BATCHED }, `[${text}]`),
            names: [`[0].data.${field}`],
          }
        : { sent: request(CLOUD_EVENT, text), names: [`data.${field}`] }
    }),
  )
  await refuses(attack, 400)
})

test('a field that nobody knows is named', async () => {
  const attack = fc.constantFrom(...BODIES).chain((body) =>
    unknownField.map((field) => ({
      sent: request(body, textOf(body.valid, field, '1')),
      names: [field === '' ? 'body' : field.slice(0, 50)],
    })),
  )
  await refuses(attack, 500)
})

test('what is no JSON, or none that a route takes, is refused by every route that has a body', async () => {
  const attack = fc
    .tuple(fc.constantFrom(...BODIES, CLOUD_EVENT), brokenBody)
    .map(([body, broken]) => ({ sent: request(body, broken), names: [] }))
  await refuses(attack, 800)
})

test('hostile text in paths and queries is refused', async () => {
  const places = fc.constantFrom(
    (text: string): Sent => ({
      method: 'POST',
      path: `/api/holds/${text}/settle`,
      body: { credits: 1 },
    }),
    (text: string): Sent => ({ method: 'POST', path: `/api/holds/${text}/release` }),
    (text: string): Sent => ({
      method: 'POST',
      path: `/api/events/${text}/void`,
      body: { reason: 'r' },
    }),
    (text: string): Sent => ({ method: 'GET', path: `/api/admin/tenants/x${text}x` }),
    (text: string): Sent => ({ method: 'DELETE', path: `/api/admin/keys/${text}` }),
    (text: string): Sent => ({ method: 'GET', path: `/api/quota?x${text}=1` }),
    (text: string): Sent => ({ method: 'GET', path: `/api/quota?tenant_id=x${text}` }),
    (text: string): Sent => ({ method: 'GET', path: `/api/entries?cursor=${text}!` }),
    (text: string): Sent => ({ method: 'GET', path: `/api/usage/history?period=x${text}` }),
    (text: string): Sent => ({ method: 'GET', path: `/api/usage/breakdown?start_date=${text}-` }),
    (text: string): Sent => ({ method: 'GET', path: `/api/usage/timeseries?group_by=x${text}` }),
    (text: string): Sent => ({ method: 'GET', path: `/api/usage/stream?from=x${text}` }),
    (text: string): Sent => ({ method: 'GET', path: `/api/usage/stream?last_event_id=${text}x` }),
    (text: string): Sent => ({ method: 'GET', path: `/api/admin/tenants?limit=x${text}` }),
  )
  const attack = fc.tuple(places, hostileText).map(([at, text]) => ({ sent: at(text), names: [] }))
  await refuses(attack, 500)
})

test('numbers in queries keep to their range, and cursors of no list are refused', async () => {
  const paths = ['/api/entries', '/api/admin/tenants', '/api/billing/credit-notes']
  const limits = ['0', '-1', '501', '1.5', '', ' ', 'ten', '1e400', '1e1', '0x10', '50&limit=50']
  for (const limit of limits) {
    for (const path of paths) {
      const sent = { method: 'GET', path: `${path}?limit=${limit}` }
      assertRefused(await send(node.url, keyFor(sent), sent), sent, ['limit'])
    }
  }
  const huge = Buffer.from('9'.repeat(16)).toString('base64url')
  for (const cursor of ['', 'x', '-1', 'MQ==', 'TnVsbA', huge, 'a'.repeat(201)]) {
    for (const path of paths) {
      const sent = { method: 'GET', path: `${path}?cursor=${cursor}` }
      assertRefused(await send(node.url, keyFor(sent), sent), sent, ['cursor'])
    }
  }
  const beyond = Buffer.from('9'.repeat(15)).toString('base64url')
  for (const path of paths) {
    const sent = { method: 'GET', path: `${path}?cursor=${beyond}` }
    expectStatus(await send(node.url, keyFor(sent), sent), 200)
  }
})

test('of a batch every bad event is named by itself, however it is bad', async () => {
  const call = BODIES[0]!
  const bad = fc
    .constantFrom(...Object.keys(CALL).filter((field) => field !== 'properties'))
    .chain((field) =>
      badValue(CALL[field]!)
        .filter((value) => !value.includes('\\u') && !value.startsWith('[['))
        .map((value) => ({ field, text: textOf(call.valid, field, value) })),
    )
  const allNamed = fc.asyncProperty(
    fc.array(bad, { minLength: 1, maxLength: 50 }),
    async (events) => {
      const body = `[${events.map(({ text }) => text).join(',')}]`
      const reply = expectStatus(await send(node.url, tenant.key, request(call, body)), 200)
      for (const [index, { field, text }] of events.entries()) {
        const { status, errors } = reply.body.results[index]
        assert.equal(status, 400, text)
        assert.ok(errors[0].field.startsWith(field), text)
      }
    },
  )
  await fc.assert(allNamed, { numRuns: 30 })
})

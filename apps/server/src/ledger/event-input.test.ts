import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NOW, PLAIN_CALL } from '../../test/ledger-accounts.ts'
import { callFingerprint, callFrom } from './event-input.ts'
import type { Call } from './types.ts'

const SERVICE = { tenant: null }
const TENANT = { tenant: { tenantNo: 7, tenantId: 'acme' } }

/** For each field two values that differ from each other and from what `PLAIN_CALL` has. */
const OTHER_VALUES: {
  [Name in Exclude<keyof Call, 'selfReported'>]: [Call[Name], Call[Name]]
} = {
  service: ['other', 'another'],
  endpoint: ['/a', '/b'],
  method: ['GET', null],
  failed: [true, true],
  region: ['eu', 'us'],
  feature: ['ocr', 'draft'],
  fileType: ['pdf', 'csv'],
  outputFormat: ['pdf', 'csv'],
  errorCode: ['E1', 'E2'],
  fileSizeBytes: [0, 1],
  processingTimeMs: [0, 1],
  tokenCount: [0, 1],
  quantity: [0n, 2n],
  properties: ['{}', '{"a":1}'],
  occurredAt: [0, 1],
  reportedCredits: [0n, 1n],
  reportedPremium: [false, true],
}

test('a call that differs in one field, whichever, is another body', () => {
  const fingerprints = new Set([callFingerprint('call', PLAIN_CALL)])
  const variants: Call[] = [PLAIN_CALL]
  for (const [name, values] of Object.entries(OTHER_VALUES)) {
    for (const value of new Set<unknown>(values)) variants.push({ ...PLAIN_CALL, [name]: value })
  }
  for (const call of variants) fingerprints.add(callFingerprint('call', call))
  assert.equal(fingerprints.size, variants.length)
  assert.equal(fingerprints.has(callFingerprint('report', PLAIN_CALL)), false)
})

test('a value that moves from one field to the next is another body', () => {
  const pairs: [Partial<Call>, Partial<Call>][] = [
    [{ region: 'x' }, { feature: 'x' }],
    [{ fileType: 'x' }, { outputFormat: 'x' }],
    [{ fileSizeBytes: 1 }, { processingTimeMs: 1 }],
    [
      { service: 'ab', endpoint: '/c' },
      { service: 'a', endpoint: 'b/c' },
    ],
  ]
  for (const [one, other] of pairs) {
    assert.notEqual(
      callFingerprint('call', { ...PLAIN_CALL, ...one }),
      callFingerprint('call', { ...PLAIN_CALL, ...other }),
    )
  }
})

test('properties in another order, at any depth, are the same body', () => {
  const objects = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 6 })
  fc.assert(
    fc.property(objects, (properties) => {
      const turned = JSON.stringify(reversed(properties))
      assert.equal(of(JSON.stringify(properties)), of(turned))
    }),
  )
})

test('properties that differ in any way are another body', () => {
  const texts = [
    '{}',
    '{"a":{}}',
    '{"a":[]}',
    '{"a":null}',
    '{"a":""}',
    '{"a":"null"}',
    '{"a":1}',
    '{"a":"1"}',
    '{"a":{"b":1}}',
    '{"a":["b",1]}',
    '{"a":[["b",1]]}',
    '{"a":[1,2]}',
    '{"a":[2,1]}',
    '{"__proto__":1}',
    '{"a":{"__proto__":[]}}',
  ]
  assert.equal(new Set(texts.map(of)).size, texts.length)
})

test('a time that a tenant gives its own call is marked as such, and another sender’s is not', () => {
  const timestamp = new Date(NOW).toISOString()
  const of = (sender: typeof SERVICE | typeof TENANT, more: object) => {
    const { occurredAt, selfReported } = callFrom({ endpoint: '/a', ...more }, 'docs', sender)
    return [occurredAt, selfReported]
  }
  assert.deepEqual(of(TENANT, { timestamp }), [NOW, true])
  assert.deepEqual(of(TENANT, {}), [null, false])
  assert.deepEqual(of(SERVICE, { timestamp }), [NOW, false])
  assert.deepEqual(of(SERVICE, {}), [null, false])
})

test('the same call sent by a service and by its tenant is the same body', () => {
  const call = { ...PLAIN_CALL, occurredAt: NOW }
  const own = { ...call, selfReported: true }
  assert.equal(callFingerprint('call', call), callFingerprint('call', own))
})

test('what an event leaves out is null, one unit, of the sender’s service, and did not fail', () => {
  assert.deepEqual(callFrom({ endpoint: '/convert' }, 'docs', TENANT), {
    ...PLAIN_CALL,
    method: null,
  })
  const failure = { endpoint: '/convert', status: 'failure', method: 'post' } as const
  assert.deepEqual(callFrom(failure, 'docs', TENANT), { ...PLAIN_CALL, failed: true })
})

function of(properties: string): number {
  return callFingerprint('call', { ...PLAIN_CALL, properties })
}

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (value === null || typeof value !== 'object') return value
  const members = Object.entries(value).reverse()
  return Object.fromEntries(members.map(([name, member]) => [name, reversed(member)]))
}

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { testNode } from '../../test/node.ts'

type Schema = Record<string, unknown>
type Operation = {
  summary?: string
  tags?: string[]
  security?: object[]
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[]
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> }
  responses: Record<string, { description?: string; content?: Record<string, { schema: Schema }> }>
}

const node = await testNode()
after(() => node.stop())
const document = (await node.call('GET', '/openapi.json', null)).body
const operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(
  ([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      path,
      method,
      operation,
    })),
)
const PUBLIC = [
  ...['GET /health', 'GET /ready', 'GET /openapi.json', 'GET /.well-known/jwks.json'],
  'GET /api/plans',
  ...['POST /auth/signup', 'POST /auth/login', 'POST /auth/refresh', 'POST /auth/logout'],
  ...['POST /auth/password/forgot', 'POST /auth/password/reset', 'POST /auth/email/verify'],
  'POST /auth/invitations/accept',
  'POST /api/billing/webhooks/stripe',
]
const JSON_SCHEMA_TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']

test('it is an OpenAPI 3.1 document with the members that the specification requires', () => {
  assert.match(document.openapi, /^3\.1\.\d+$/)
  assert.ok(document.info.title && document.info.version)
  assert.ok(operations.length > 0)
  for (const { name, operation } of operations) {
    assert.ok(Object.keys(operation.responses).length > 0, name)
    for (const [status, response] of Object.entries(operation.responses)) {
      assert.match(status, /^([1-5]\d\d|default)$/, name)
      assert.ok(response.description !== undefined, `${name} ${status} has no description`)
    }
    for (const content of contents(operation)) assert.equal(typeof content.schema, 'object', name)
  }
})

test('every reference leads somewhere', () => {
  const references = [...values(document)].flatMap(({ $ref }) =>
    typeof $ref === 'string' ? [$ref] : [],
  )
  assert.ok(references.length > 0)
  for (const reference of references) {
    const steps = reference.replace('#/', '').split('/')
    const target = steps.reduce(
      (at: Schema | undefined, step) => at?.[step] as Schema | undefined,
      document,
    )
    assert.ok(target, `${reference} leads nowhere`)
  }
})

test('every schema says types that exist, and requires only what it names', () => {
  for (const value of values(document)) {
    for (const type of [value.type].flat()) {
      if (typeof type !== 'string' || value.in !== undefined || 'scheme' in value) continue
      assert.ok(JSON_SCHEMA_TYPES.includes(type), JSON.stringify(value))
    }
    if (!Array.isArray(value.required) || value.type !== 'object') continue
    for (const name of value.required) {
      assert.ok(name in (value.properties as object), `${name} is required but not named`)
    }
  }
})

test('every parameter of a path is declared, and nothing else is said to be in the path', () => {
  for (const { name, path, operation } of operations) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter)
    const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
    assert.deepEqual(
      declared.map((parameter) => parameter.name),
      inPath,
      name,
    )
    assert.ok(
      declared.every(({ required }) => required === true),
      name,
    )
  }
})

test('every operation has a summary, a tag, its security, an answer in case of success, and a problem', () => {
  for (const { name, operation } of operations) {
    assert.ok(operation.summary, name)
    assert.equal(operation.tags?.length, 1, name)
    assert.deepEqual(operation.security, PUBLIC.includes(name) ? [] : [{ key: [] }], name)
    assert.ok(
      Object.keys(operation.responses).some((status) => /^2/.test(status)),
      name,
    )
    const problem = operation.responses.default?.content?.['application/problem+json']?.schema
    assert.deepEqual(problem, { $ref: '#/components/schemas/Problem' }, name)
  }
  assert.equal(document.components.securitySchemes.key.scheme, 'bearer')
})

test('what has a body says so, in the types that are taken', () => {
  const typesOf = (name: string) =>
    Object.keys(operations.find((one) => one.name === name)!.operation.requestBody!.content)
  assert.deepEqual(typesOf('POST /api/track'), ['application/json'])
  assert.deepEqual(typesOf('POST /api/events').sort(), [
    'application/cloudevents+json',
    'application/cloudevents-batch+json',
    'application/json',
  ])
})

test('each operation is routed: none is described that answers 404 for its path', async () => {
  for (const { name, method, path } of operations) {
    const url = node.url + path.replaceAll('{id}', 'any')
    const { status } = await fetch(url, { method: method.toUpperCase() })
    // What is public and takes a body misses it.
    const expected = method === 'get' ? 200 : 400
    assert.equal(status, PUBLIC.includes(name) ? expected : 401, name)
  }
})

function contents(operation: Operation): { schema: Schema }[] {
  const answers = Object.values(operation.responses).flatMap(({ content }) =>
    Object.values(content ?? {}),
  )
  return [...answers, ...Object.values(operation.requestBody?.content ?? {})]
}

function* values(value: unknown): Generator<Schema> {
  if (value === null || typeof value !== 'object') return
  if (!Array.isArray(value)) yield value as Schema
  for (const member of Object.values(value)) yield* values(member)
}

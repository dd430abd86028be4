import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { invalidField, ProblemError } from './problem-error.ts'
import { fieldErrors } from './zod-errors.ts'

const schema = z.strictObject({
  name: z.string().min(1),
  address: z.strictObject({ zip: z.string() }).optional(),
  tags: z.array(z.number()).optional(),
})

function fieldsOf(value: unknown, root?: string): string[] {
  const { error } = schema.safeParse(value)
  return fieldErrors(error?.issues ?? [], root).map(({ field }) => field)
}

test('each field that is wrong is named, as its sender wrote it', () => {
  assert.deepEqual(fieldsOf({ name: '', address: { zip: 7 }, tags: [1, 'x', 2, null] }), [
    'name',
    'address.zip',
    'tags[1]',
    'tags[3]',
  ])
})

test('an unknown field is named itself, at any depth', () => {
  assert.deepEqual(fieldsOf({ name: 'n', nmae: 1, address: { zip: 'z', zap: 1, zop: 2 } }), [
    'address.zap',
    'address.zop',
    'nmae',
  ])
})

test('a name that may not be one is named, with what is wrong with it', () => {
  const plans = z.strictObject({
    plans: z.record(z.string().regex(/^[a-z]+$/, 'in letters'), z.any()),
  })
  const { issues } = plans.safeParse({ plans: { ok: 1, 'Not ok': 2 } }).error!
  assert.deepEqual(fieldErrors(issues), [{ field: 'plans.Not ok', message: 'in letters' }])
})

test('a field that is missing is named, and a body that is none is called so', () => {
  assert.deepEqual(fieldsOf({}), ['name'])
  for (const value of [null, 7, 'text', []]) assert.deepEqual(fieldsOf(value), ['body'])
})

test('in a batch the position comes first', () => {
  assert.deepEqual(fieldsOf({ name: '' }, '[3]'), ['[3].name'])
  assert.deepEqual(fieldsOf(null, '[3]'), ['[3]'])
})

test('every problem has words, and their number and length are bounded', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`f${index}`, 1]))
  const long = 'x'.repeat(10_000)
  for (const value of [
    { name: 'n', ...many },
    { name: 'n', [long]: 1 },
  ]) {
    const errors = fieldErrors(schema.safeParse(value).error!.issues)
    assert.ok(errors.length > 0 && errors.length <= 50)
    assert.ok(errors.every(({ field, message }) => field.length <= 100 && message !== ''))
  }
})

test('a problem carries its public code and fields; its cause stays inside', () => {
  const cause = new Error('secret')
  const problem = new ProblemError('not_found', { detail: 'No such thing.', cause })
  assert.deepEqual(
    [problem.code, problem.detail, problem.cause],
    ['not_found', 'No such thing.', cause],
  )
  assert.deepEqual(JSON.parse(JSON.stringify(problem)), {
    code: 'not_found',
    detail: 'No such thing.',
  })
  const { code, errors } = invalidField('limit', 'too large')
  assert.deepEqual([code, errors], ['invalid_request', [{ field: 'limit', message: 'too large' }]])
})

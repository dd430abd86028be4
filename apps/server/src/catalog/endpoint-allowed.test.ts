import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileTerms } from './compile.ts'
import { endpointAllowed } from './endpoint-allowed.ts'
import { planSchema } from './schema.ts'

function allowed(endpoints: { allow?: string[]; deny?: string[] }, service: string, path: string) {
  const terms = compileTerms(1, 'test', 1, planSchema.parse({ endpoints }))
  return endpointAllowed(terms, service, path)
}

test('a plan that names no endpoints allows all', () => {
  assert.equal(allowed({}, 'any', '/thing'), true)
})

test('what is denied stays denied, also where it is allowed', () => {
  const endpoints = { allow: ['*'], deny: ['docs /bulk/*'] }
  assert.equal(allowed(endpoints, 'docs', '/bulk/1'), false)
  assert.equal(allowed(endpoints, 'docs', '/convert'), true)
  assert.equal(allowed(endpoints, 'other', '/bulk/1'), true)
})

test('a plan that lists what it allows denies the rest', () => {
  const endpoints = { allow: ['docs /convert', 'notes', 'v* /public/*'] }
  assert.equal(allowed(endpoints, 'docs', '/convert'), true)
  assert.equal(allowed(endpoints, 'docs', '/bulk'), false)
  assert.equal(allowed(endpoints, 'notes', '/anything/at/all'), true)
  assert.equal(allowed(endpoints, 'v2', '/public/a'), true)
  assert.equal(allowed(endpoints, 'v2', '/private'), false)
  assert.equal(allowed(endpoints, 'notes-api', '/x'), false)
})

test('a plan may deny everything', () => {
  assert.equal(allowed({ deny: ['*'] }, 'docs', '/convert'), false)
  assert.equal(allowed({ allow: [] }, 'docs', '/convert'), false)
})

test('no spelling of a path slips past what is denied, nor into what is allowed', () => {
  const spellings = [
    '/bulk/',
    '/bulk',
    '//bulk/1',
    '/./bulk/1',
    '/x/../bulk/1',
    '/x/..%2fbulk/1',
    '/%62ulk/1',
    '/bulk%2F1',
    '/bulk/1?x=1',
    'http://host/bulk/1',
    'bulk/1',
  ]
  for (const path of spellings) {
    assert.equal(allowed({ deny: ['docs /bulk/*'] }, 'docs', path), false, path)
  }
  assert.equal(allowed({ allow: ['docs /public/*'] }, 'docs', '/public/%2e%2e/admin'), false)
})

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readConfig } from './config.ts'

const GOOD = { STRIPE_SECRET_KEY: 'sk_test_hunter2', STRIPE_WEBHOOK_SECRET: 'whsec_hunter2' }

test('Stripe is used if both secrets are there, which may come from files', () => {
  assert.equal(readConfig({}).stripe, null)
  assert.equal(readConfig({ STRIPE_API_URL: 'http://127.0.0.1:1' }).stripe, null)
  assert.deepEqual(readConfig(GOOD).stripe, {
    secretKey: 'sk_test_hunter2',
    webhookSecret: 'whsec_hunter2',
    apiUrl: 'https://api.stripe.com',
  })
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-config-'))
  const file = join(folder, 'key')
  writeFileSync(file, 'rk_live_1\n')
  const { STRIPE_WEBHOOK_SECRET } = GOOD
  const env = {
    STRIPE_SECRET_KEY_FILE: file,
    STRIPE_WEBHOOK_SECRET,
    STRIPE_API_URL: 'http://[::1]:1/',
  }
  assert.equal(readConfig(env).stripe?.secretKey, 'rk_live_1')
  assert.equal(readConfig(env).stripe?.apiUrl, 'http://[::1]:1')
  rmSync(folder, { recursive: true })
})

test('what is wrong with the settings for Stripe is told, and no secret', () => {
  const bad: [env: Record<string, string>, told: RegExp][] = [
    [{ STRIPE_SECRET_KEY: 'sk_test_hunter2' }, /SECRET_KEY and STRIPE_WEBHOOK_SECRET go together/],
    [{ STRIPE_WEBHOOK_SECRET: 'whsec_hunter2' }, /go together; one is missing/],
    [{ ...GOOD, STRIPE_SECRET_KEY: 'pk_test_hunter2' }, /STRIPE_SECRET_KEY must be a secret or/],
    [{ ...GOOD, STRIPE_SECRET_KEY: 'sk_test hunter2' }, /STRIPE_SECRET_KEY must be a secret or/],
    [{ ...GOOD, STRIPE_WEBHOOK_SECRET: 'hunter2' }, /STRIPE_WEBHOOK_SECRET must be the signing/],
    [{ ...GOOD, STRIPE_API_URL: 'api.stripe.com' }, /STRIPE_API_URL must be a URL that begins/],
    [{ ...GOOD, STRIPE_API_URL: 'https://x.example/v1' }, /STRIPE_API_URL .* without a path/],
  ]
  for (const [env, told] of bad) {
    assert.throws(
      () => readConfig(env),
      (error: Error) => {
        assert.match(error.message, told)
        assert.doesNotMatch(error.message, /hunter2/)
        return true
      },
    )
  }
})

test('Redis is patient for half a second, or as long as is said', () => {
  const REDIS_URL = 'redis://127.0.0.1:6379/'
  assert.equal(readConfig({ REDIS_TIMEOUT_MS: '100' }).redis, null)
  assert.deepEqual(readConfig({ REDIS_URL }).redis, {
    url: 'redis://127.0.0.1:6379',
    timeoutMs: 500,
  })
  assert.equal(readConfig({ REDIS_URL, REDIS_TIMEOUT_MS: '2500' }).redis?.timeoutMs, 2_500)
  for (const bad of ['0', '-1', '1.5', '1e3', 'soon', '60001']) {
    assert.throws(
      () => readConfig({ REDIS_URL, REDIS_TIMEOUT_MS: bad }),
      /REDIS_TIMEOUT_MS must be/,
    )
  }
})

import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RedisSettings, Settings, StripeSettings } from './lib/settings.ts'
import {
  REDIS_TIMEOUT_MS,
  REDIS_TIMEOUT_MS_MAX,
  REQUESTS_PER_ADDRESS_PER_MINUTE,
  REQUESTS_PER_KEY_PER_MINUTE,
} from './limits.ts'

export type Config = Settings & {
  host: string
  port: number
  /** Null: the embedded PostgreSQL. */
  databaseUrl: string | null
  /** Null: made at the first start. */
  operatorKey: string | null
  logLevel: string
  /** The first admin, made at the start if there is none. */
  firstAdmin: { email: string; password: string } | null
}

type Env = Record<string, string | undefined>

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']
const STRIPE_API_URL = 'https://api.stripe.com'
const OPERATOR_KEY_CHARS_MIN = 24
const DEFAULT_CATALOG = fileURLToPath(new URL('../../../catalogs/default.yaml', import.meta.url))

/** What is wrong with the environment: every problem, a line each. Never the value of a secret. */
export class ConfigError extends Error {
  constructor(problems: string[]) {
    super(`The configuration cannot be used:\n${problems.map((line) => `  ${line}`).join('\n')}`)
  }
}

/** The configuration, from the environment alone. @throws ConfigError */
export function readConfig(env: Env = process.env): Config {
  const problems: string[] = []
  const config: Config = {
    host: env.HOST || '127.0.0.1',
    port: port(env.PORT || '3000', problems),
    databaseUrl: databaseUrl(secret(env, 'DATABASE_URL', problems), problems),
    dataDir: resolve(env.TOLLGATE_DATA_DIR || '.tollgate'),
    operatorKey: operatorKey(secret(env, 'TOLLGATE_OPERATOR_KEY', problems), problems),
    seller: {
      name: env.SELLER_NAME || 'Tollgate',
      address: listOf(env.SELLER_ADDRESS || '', ';'),
      email: env.SELLER_EMAIL || null,
      tax_id: env.SELLER_TAX_ID || null,
    },
    catalogFile: env.TOLLGATE_CATALOG ? resolve(env.TOLLGATE_CATALOG) : DEFAULT_CATALOG,
    archiveDir: env.TOLLGATE_ARCHIVE_DIR ? resolve(env.TOLLGATE_ARCHIVE_DIR) : null,
    logLevel: logLevel(env.LOG_LEVEL || 'info', problems),
    ...accessConfig(env, problems),
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

function accessConfig(env: Env, problems: string[]) {
  return {
    publicUrl: url(env.PUBLIC_URL || null, 'PUBLIC_URL', 'https?', problems),
    redis: redis(env, problems),
    smtpUrl: url(secret(env, 'SMTP_URL', problems), 'SMTP_URL', 'smtps?', problems),
    mailFrom: env.MAIL_FROM || 'Tollgate <tollgate@localhost>',
    firstAdmin: firstAdmin(env, problems),
    stripe: stripe(env, problems),
    corsOrigins: origins(env.CORS_ORIGINS || '', problems),
    trustedProxies: proxies(env.TRUSTED_PROXIES || '', problems),
    requestsPerKey: requestsPerMinute(
      env,
      'HTTP_REQUESTS_PER_KEY',
      REQUESTS_PER_KEY_PER_MINUTE,
      problems,
    ),
    requestsPerAddress: requestsPerMinute(
      env,
      'HTTP_REQUESTS_PER_ADDRESS',
      REQUESTS_PER_ADDRESS_PER_MINUTE,
      problems,
    ),
  }
}

function url(
  text: string | null,
  name: string,
  protocol: string,
  problems: string[],
): string | null {
  if (text === null) return null
  if (!URL.canParse(text) || !new RegExp(`^${protocol}:$`).test(new URL(text).protocol)) {
    problems.push(
      `${name} must be a URL that begins with ${protocol.replace('s?', '')}:// or ${protocol.replace('?', '')}://`,
    )
    return text
  }
  // A path is joined to it.
  return text.replace(/\/+$/, '')
}

function redis(env: Env, problems: string[]): RedisSettings | null {
  const address = url(secret(env, 'REDIS_URL', problems), 'REDIS_URL', 'rediss?', problems)
  const text = env.REDIS_TIMEOUT_MS || String(REDIS_TIMEOUT_MS)
  const timeoutMs = Number(text)
  if (!/^\d+$/.test(text) || timeoutMs < 1 || timeoutMs > REDIS_TIMEOUT_MS_MAX) {
    problems.push(`REDIS_TIMEOUT_MS must be a whole number from 1 to ${REDIS_TIMEOUT_MS_MAX}`)
  }
  return address === null ? null : { url: address, timeoutMs }
}

function firstAdmin(env: Env, problems: string[]): Config['firstAdmin'] {
  const email = env.TOLLGATE_ADMIN_EMAIL || null
  const password = secret(env, 'TOLLGATE_ADMIN_PASSWORD', problems)
  if (email === null && password === null) return null
  if (email !== null && password !== null) return { email, password }
  problems.push('TOLLGATE_ADMIN_EMAIL and TOLLGATE_ADMIN_PASSWORD go together; one is missing')
  return null
}

function stripe(env: Env, problems: string[]): StripeSettings | null {
  const secretKey = secret(env, 'STRIPE_SECRET_KEY', problems)
  const webhookSecret = secret(env, 'STRIPE_WEBHOOK_SECRET', problems)
  const apiUrl = url(env.STRIPE_API_URL || STRIPE_API_URL, 'STRIPE_API_URL', 'https?', problems)
  if (secretKey === null && webhookSecret === null) return null
  if (secretKey === null || webhookSecret === null) {
    problems.push('STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET go together; one is missing')
    return null
  }
  if (!/^(sk|rk)_\S+$/.test(secretKey)) {
    problems.push('STRIPE_SECRET_KEY must be a secret or restricted key: sk_… or rk_…')
  }
  if (!/^whsec_\S+$/.test(webhookSecret)) {
    problems.push('STRIPE_WEBHOOK_SECRET must be the signing secret of a webhook endpoint: whsec_…')
  }
  if (apiUrl === null || !URL.canParse(apiUrl)) return null
  if (new URL(apiUrl).origin !== apiUrl) {
    problems.push('STRIPE_API_URL must be a URL without a path, as in https://api.stripe.com')
  }
  return { secretKey, webhookSecret, apiUrl }
}

function origins(text: string, problems: string[]): string[] {
  const list = listOf(text)
  for (const origin of list) {
    if (URL.canParse(origin) && new URL(origin).origin === origin) continue
    problems.push(
      `CORS_ORIGINS must be origins as in https://app.example.com, with commas between; ${JSON.stringify(origin)} is not`,
    )
  }
  return list
}

function proxies(text: string, problems: string[]): string[] {
  const list = listOf(text)
  for (const proxy of list) {
    const [address, bits, ...more] = proxy.split('/')
    const version = isIP(address!)
    const bitsMax = version === 4 ? 32 : 128
    // A network of zero bits would be everybody.
    const goodBits = bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= bitsMax)
    if (version !== 0 && goodBits && more.length === 0) continue
    problems.push(
      `TRUSTED_PROXIES must be addresses or networks as in 10.0.0.0/8, with commas between; ${JSON.stringify(proxy)} is not`,
    )
  }
  return list
}

function listOf(text: string, between = ','): string[] {
  return text
    .split(between)
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function requestsPerMinute(env: Env, name: string, usual: number, problems: string[]): number {
  const text = env[name] || String(usual)
  if (!/^\d{1,9}$/.test(text)) {
    problems.push(
      `${name} must be a number of requests per minute (0: no limit); it is ${JSON.stringify(text)}`,
    )
  }
  return Number(text)
}

/** `NAME`, or the first line of the file that `NAME_FILE` names. */
function secret(env: Env, name: string, problems: string[]): string | null {
  const file = env[`${name}_FILE`]
  if (env[name] && file) {
    problems.push(`${name} and ${name}_FILE are both set; keep one`)
    return null
  }
  if (!file) return env[name] || null
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    problems.push(`${name}_FILE: ${file} cannot be read: ${(error as Error).message}`)
    return null
  }
}

function port(text: string, problems: string[]): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > 65_535) {
    problems.push(
      `PORT must be a number from 0 to 65535 (0: any free one); it is ${JSON.stringify(text)}`,
    )
  }
  return value
}

function databaseUrl(text: string | null, problems: string[]): string | null {
  if (text === null) return null
  if (!URL.canParse(text) || !/^postgres(ql)?:$/.test(new URL(text).protocol)) {
    problems.push('DATABASE_URL must be a URL as in postgres://user:password@host:5432/database')
  }
  return text
}

function operatorKey(text: string | null, problems: string[]): string | null {
  if (text === null) return null
  if (text.length < OPERATOR_KEY_CHARS_MIN || /\s/.test(text)) {
    problems.push(
      `TOLLGATE_OPERATOR_KEY must have at least ${OPERATOR_KEY_CHARS_MIN} characters and no spaces; it has ${text.length}`,
    )
  }
  return text
}

function logLevel(text: string, problems: string[]): string {
  if (!LOG_LEVELS.includes(text)) {
    problems.push(
      `LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}; it is ${JSON.stringify(text)}`,
    )
  }
  return text
}

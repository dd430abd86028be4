import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export type Config = {
  host: string
  port: number
  /** Null: the embedded PostgreSQL. */
  databaseUrl: string | null
  dataDir: string
  /** Null: made at the first start. */
  operatorKey: string | null
  catalogFile: string
  logLevel: string
}

type Env = Record<string, string | undefined>

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']
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
    catalogFile: env.TOLLGATE_CATALOG ? resolve(env.TOLLGATE_CATALOG) : DEFAULT_CATALOG,
    logLevel: logLevel(env.LOG_LEVEL || 'info', problems),
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return config
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

import { readFile, writeFile } from 'node:fs/promises'
import { Policy } from './access/policy/policy.ts'
import { type OperationAccess, rolesText } from './access/policy/roles-text.ts'
import { openapiText } from './openapi.ts'

const FILE = new URL('access/policy/ROLES.md', import.meta.url)

/** Writes who may do what, as the policy and the routes say it. */
export async function writeRoles(): Promise<void> {
  await writeFile(FILE, await text())
}

/** @returns the exit code: 1 if the committed table is not the one of the policy and the routes */
export async function checkRoles(): Promise<number> {
  const committed = await readFile(FILE, 'utf8').catch(() => '')
  if (committed === (await text())) return 0
  process.stderr.write(
    'ROLES.md is not what the policy and the routes say. Write it with: npm run tollgate -- roles\n',
  )
  return 1
}

async function text(): Promise<string> {
  const policy = await Policy.load()
  return `${rolesText(policy.rows, operationsOf(JSON.parse(await openapiText())))}\n`
}

type Document = { paths: Record<string, Record<string, { 'x-access': string }>> }

/** In the order of the contract. */
export function operationsOf({ paths }: Document): OperationAccess[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      operation: `${method.toUpperCase()} ${path}`,
      access: operation['x-access'],
    })),
  )
}

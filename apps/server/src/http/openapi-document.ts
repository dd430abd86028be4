import { STATUS_CODES } from 'node:http'

type OpenapiObject = { components?: { schemas?: Record<string, unknown> } }

/**
 * The document as people read it: schemas that nothing refers to are left out, those that are only
 * taken in lose the `Input` that tells them from their twin, and responses are named by their status.
 */
export function readableDocument<T extends object>(document: T): T {
  const used = usedSchemas(document)
  const text = JSON.stringify(document, (key, value) =>
    key === 'responses' ? describedResponses(value) : value,
  )
  const renamed = text.replace(/#\/components\/schemas\/(\w+)/g, (_ref, name: string) => {
    return `#/components/schemas/${publicName(name, used)}`
  })
  const readable = JSON.parse(renamed) as T & OpenapiObject
  const schemas = Object.entries(readable.components?.schemas ?? {})
    .filter(([name]) => used.has(name))
    .map(([name, schema]) => [publicName(name, used), schema] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  if (readable.components !== undefined) readable.components.schemas = Object.fromEntries(schemas)
  return readable
}

function publicName(name: string, used: ReadonlySet<string>): string {
  const short = name.replace(/Input$/, '')
  return used.has(short) ? name : short
}

/** Names of the schemas that a route refers to, directly or through another. */
function usedSchemas({ components, ...rest }: OpenapiObject): Set<string> {
  const used = new Set<string>()
  const follow = (value: unknown) => {
    for (const [, name] of JSON.stringify(value ?? null).matchAll(
      /#\/components\/schemas\/(\w+)/g,
    )) {
      if (name === undefined || used.has(name)) continue
      used.add(name)
      follow(components?.schemas?.[name])
    }
  }
  follow(rest)
  return used
}

function describedResponses(responses: Record<string, { description?: string }>) {
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => {
      const plain = response.description === 'Default Response'
      return [status, plain ? { ...response, description: STATUS_CODES[status] } : response]
    }),
  )
}

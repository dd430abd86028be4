import type { Queryable } from '../db/pool.ts'
import { type ServiceDefinition, type ServiceDefinitions, serviceSchema } from './schema.ts'
import { readLatestRules, readServices } from './store.ts'
import { storedRules } from './stored.ts'

/** The endpoint rules of a service that is registered or in the catalog; null: there is none. */
export async function serviceRules(
  db: Queryable,
  service: string,
): Promise<ServiceDefinition | null> {
  const row = await readLatestRules(db)
  const services: ServiceDefinitions = row === null ? {} : storedRules(row).services
  if (Object.hasOwn(services, service)) return services[service]!
  const isRegistered = (await readServices(db)).some(({ name }) => name === service)
  return isRegistered ? serviceSchema.parse({}) : null
}

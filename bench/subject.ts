import { randomUUID } from 'node:crypto'
import { Api } from './api.ts'
import type { LoadTenant, TrackRequests } from './load/plan.ts'
import type { Options } from './options.ts'
import { progress } from './report.ts'
import { type Server, type ServerSettings, serverSettings, spawnServer } from './server.ts'
import type { Workspace } from './workspace.ts'

const CALLS_AT_ONCE = 8
const CREDITS_GRANTED = 100_000_000

type Quota = { quota: { used: number } }

export type BenchTenant = { id: string; key: string }

/** The Tollgate that is measured, with its tenants. */
export type Subject = {
  server: Server
  settings: ServerSettings
  operator: Api
  serviceKey: string
  tenants: BenchTenant[]
}

export async function startSubject(
  workspace: Workspace,
  options: Options,
  databaseUrl: string | null,
): Promise<Subject> {
  const settings = await serverSettings(workspace, databaseUrl)
  progress('starting Tollgate')
  const server = spawnServer(settings)
  workspace.onClose(() => server.stop())
  await server.ready()
  const operator = new Api(server, settings.operatorKey)
  const service = await operator.post<{ key: string }>('/api/admin/services', { name: 'bench-api' })
  progress(`creating ${options.tenants} tenants on plan ${options.plan}`)
  const tenants = await createTenants(operator, options.tenants, options.plan)
  return { server, settings, operator, serviceKey: service.key, tenants }
}

/** Ids are equally long, because the load overwrites them in place. */
export async function createTenants(
  operator: Api,
  count: number,
  plan: Options['plan'],
): Promise<BenchTenant[]> {
  const run = randomUUID().slice(0, 8)
  const ids = Array.from({ length: count }, (_, i) => `bench-${run}-${String(i).padStart(6, '0')}`)
  return inParallel(ids, (id) => createTenant(operator, id, plan, CREDITS_GRANTED))
}

export async function createTenant(
  operator: Api,
  id: string,
  plan: Options['plan'],
  credits: number,
): Promise<BenchTenant> {
  const email = `${id}@bench.example`
  await operator.post('/api/admin/tenants', { tenant_id: id, name: id, email, plan })
  if (plan === 'prepaid') {
    const path = `/api/admin/tenants/${id}/credits`
    await operator.post(path, { amount: credits, reason: 'bench' })
  }
  const { key } = await operator.post<{ key: string }>(`/api/admin/tenants/${id}/keys`, {})
  return { id, key }
}

/** The requests of a load on these tenants, authorised as the options say. */
export function trackRequests(
  subject: Subject,
  tenants: BenchTenant[],
  options: Options,
  eventsPerRequest: number,
): TrackRequests {
  return {
    kind: 'track',
    path: '/api/track',
    tenants: tenants.map((tenant): LoadTenant => {
      const key = options.keys === 'tenant' ? tenant.key : subject.serviceKey
      return { id: tenant.id, authorization: `Bearer ${key}` }
    }),
    eventsPerRequest,
    spread: options.keys === 'tenant' ? 'tenant' : options.spread,
    shape: options.shape,
  }
}

/** What the tenants' accounts say they used, all together. */
export async function usedTogether(subject: Subject): Promise<number> {
  const used = await inParallel(subject.tenants, async ({ key }) => {
    const reading = await new Api(subject.server, key).get<Quota>('/api/quota')
    return reading.quota.used
  })
  return used.reduce((sum, one) => sum + one, 0)
}

async function inParallel<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length)
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++
      results[i] = await work(items[i]!)
    }
  }
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, worker))
  return results
}

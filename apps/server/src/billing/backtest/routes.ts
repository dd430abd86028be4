import { type BacktestReply, backtestBody, backtestReply } from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import { catalogFromJson } from '../../catalog/catalog-from-json.ts'
import { otherCatalog } from '../../catalog/other-catalog.ts'
import { decodeCursor, page } from '../../lib/cursor.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import {
  BACKTEST_LINES_PER_REQUEST_MAX,
  BACKTEST_RETRY_AFTER_SECONDS,
  BACKTESTS_RUNNING_MAX,
} from '../../limits.ts'
import {
  type Backtest,
  type BacktestDependencies,
  backtestTenants,
  unknownTenants,
} from './backtest.ts'
import { rangeOf } from './range.ts'
import { readTenantsToTest, type TenantToTest, type Whose } from './store.ts'
import { Totals } from './totals.ts'

export function backtestRoutes(fastify: FastifyInstance, deps: BacktestDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  let running = 0
  app.post(
    '/api/admin/backtest',
    {
      config: { access: { object: 'billing', action: 'backtest' } },
      schema: {
        tags: ['Billing'],
        summary: 'What tenants would have paid under another catalog',
        description:
          'Their logs are decided again by the rules and plans of the catalog that is sent; nothing is changed. A page of tenants at a time: totals are those of the page. For all of them at once there is `tollgate backtest`.',
        body: backtestBody,
        response: { 200: backtestReply },
      },
    },
    async ({ body }) => {
      const asked = await checked(deps, body)
      if (running >= BACKTESTS_RUNNING_MAX) {
        throw new ProblemError('overloaded', {
          detail: 'Another back-test is running on this node; try again when it has ended.',
          retryAfterSeconds: BACKTEST_RETRY_AFTER_SECONDS,
        })
      }
      running += 1
      try {
        return await backtestPage(deps, asked)
      } finally {
        running -= 1
      }
    },
  )
}

type Asked = Pick<Backtest, 'other' | 'range'> & Whose & { afterNo: number; limit: number }

/** @throws ProblemError invalid_request */
async function checked(
  deps: BacktestDependencies,
  { catalog, from, to, tenant_ids, cursor, limit }: z.infer<typeof backtestBody>,
): Promise<Asked> {
  const range = rangeOf(from, to)
  const tenantIds = tenant_ids ?? null
  const afterNo = decodeCursor(cursor) ?? 0
  const definition = catalogFromJson(catalog, 'catalog')
  if (tenantIds !== null) await checkTenants(deps, tenantIds)
  return { other: await otherCatalog(deps.pool, definition), range, tenantIds, afterNo, limit }
}

async function backtestPage(
  deps: BacktestDependencies,
  { other, range, tenantIds, afterNo, limit }: Asked,
): Promise<BacktestReply> {
  const found = await readTenantsToTest(deps.pool, { tenantIds }, afterNo, limit + 1)
  const most = Math.min(limit, withinLines(found))
  const { rows: tenants, nextCursor } = page(found, most, ({ tenantNo }) => tenantNo)
  const data = (await backtestTenants(deps, { other, range }, tenants)).flat()
  const totals = new Totals()
  totals.add(data)
  return { currencies: totals.all, data, next_cursor: nextCursor }
}

/** @throws ProblemError invalid_request that names those that do not exist */
async function checkTenants(deps: BacktestDependencies, tenantIds: string[]): Promise<void> {
  const errors = (await unknownTenants(deps, tenantIds)).map((index) => ({
    field: `tenant_ids[${index}]`,
    message: 'there is no such tenant',
  }))
  if (errors.length > 0) throw new ProblemError('invalid_request', { errors })
}

/** How many of the first have no more lines together than a request may go through; at least one. */
function withinLines(tenants: readonly TenantToTest[]): number {
  let lines = 0
  const index = tenants.findIndex((tenant) => {
    lines += tenant.lines
    return lines > BACKTEST_LINES_PER_REQUEST_MAX
  })
  return index < 0 ? tenants.length : Math.max(1, index)
}

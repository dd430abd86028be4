import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { send } from './api-request.ts'
import { expectStatus, type TestNode, testNode } from './node.ts'
import {
  configFolder,
  promtool,
  startPrometheus,
  type TestPrometheus,
  withoutPrometheus,
} from './prometheus-server.ts'
import { sendCalls } from './usage-example.ts'

const skip = withoutPrometheus()
const DEPLOY = join(import.meta.dirname, '../../../deploy')
const HOSTILE = 'a"b\\c\nd\u{1f600}'

type Dashboard = {
  templating: { list: { name: string; query: string }[] }
  panels: { id: number; title: string; targets?: { expr: string }[] }[]
}

let node: TestNode
let prometheus: TestPrometheus
let tenant: { id: string; key: string }
let folder: string
const opened: (() => Promise<void>)[] = []
after(async () => {
  for (const close of opened.reverse()) await close()
})

before(async () => {
  if (skip !== false) return
  node = await testNode()
  opened.push(() => node.stop())
  tenant = await node.tenant({ plan: 'team' })
  await sendSome()
  const files = await configFolder({
    'prometheus.yml': await configured(),
    'tollgate.key': tenant.key,
    'tollgate-operator.key': `${node.operatorKey}\n`,
  })
  opened.push(files.remove)
  folder = files.path
  prometheus = await startPrometheus(folder)
  opened.push(prometheus.stop)
})

/** As it is delivered, but for where the node is and how often it is asked. */
async function configured(): Promise<string> {
  const text = await readFile(join(DEPLOY, 'prometheus.yml'), 'utf8')
  const here = text
    .replaceAll('localhost:3000', new URL(node.url).host)
    .replace('scrape_interval: 60s', 'scrape_interval: 1s')
  assert.notEqual(here, text)
  return here
}

async function sendSome(): Promise<void> {
  const service = await node.service()
  await sendCalls(node, service.key, tenant.id, [
    ...Array(8).fill({ file_type: 'pdf', output_format: 'md', processing_time_ms: 120 }),
    { file_type: 'pdf', output_format: 'md', status: 'failure', processing_time_ms: 9_000 },
    { file_type: HOSTILE, output_format: HOSTILE },
  ])
  const suspended = { status: 'suspended' }
  const path = `/api/admin/tenants/${tenant.id}`
  expectStatus(await node.admin('PATCH', path, suspended), 200)
  await node.call('POST', '/api/track', tenant.key, { endpoint: '/x', file_type: 'pdf' })
  expectStatus(await node.admin('PATCH', path, { status: 'active' }), 200)
}

test('promtool has nothing against the configuration', { skip }, async () => {
  const { ok, said } = await promtool(['check', 'config', join(folder, 'prometheus.yml')])
  assert.ok(ok, said)
})

test('promtool has nothing against the text', { skip }, async () => {
  const text = expectStatus(await node.call('GET', '/api/usage/metrics', tenant.key), 200).body
  const { ok, said } = await promtool(['check', 'metrics'], text)
  assert.ok(ok, said)
  assert.equal(said, '')
})

test('Prometheus has what the tenant used, in whichever form it asked', { skip }, async () => {
  const jobs = await prometheus.untilFound('up == 1')
  const calls = (labels: string) =>
    prometheus.untilFound(`sum(tollgate_conversions_total{job="tollgate-usage",${labels}})`)
  assert.equal((await calls('file_type="pdf",status="success"'))[0]!.value[1], '8')
  assert.equal((await calls('file_type="pdf",status="failure"'))[0]!.value[1], '1')
  const named = await prometheus.query(`tollgate_conversions_total{file_type=~"a.*"}`)
  const hostile = await prometheus.query('tollgate_conversions_total{file_type=~"(?s)a.b.*"}')
  assert.equal(hostile[0]?.metric.file_type, HOSTILE, JSON.stringify(named))
  assert.equal((await prometheus.untilFound('tollgate_quota_limit'))[0]!.value[1], '10000')
  await prometheus.untilFound('up{job="tollgate-nodes"} == 1')
  assert.ok(jobs.length > 0)
  const accept = { accept: 'application/openmetrics-text' }
  const sent = { method: 'GET', path: '/api/usage/metrics', headers: accept }
  expectStatus(await send(node.url, tenant.key, sent), 200)
})

test('every expression of the dashboard is one, and finds something', { skip }, async () => {
  const text = await readFile(join(DEPLOY, 'grafana/tollgate.json'), 'utf8')
  const { panels, templating } = JSON.parse(text) as Dashboard
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  assert.ok(expressions.length > 15)
  for (const written of expressions) {
    const expression = templating.list
      .reduce((expr, { name, query }) => expr.replaceAll(`$${name}`, query), written)
      .replaceAll('$__rate_interval', '1m')
    assert.ok(!expression.includes('$'), expression)
    await prometheus.untilFound(expression)
  }
})

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { runTollgate, startServing } from './api-process.ts'
import { send } from './api-request.ts'
import { clusterOf, isAlive, postmasterPid, testFolder } from './embedded.ts'
import { expectStatus } from './node.ts'

test('somebody starts it, pastes the line that it shows, and sees a call allowed, counted and billed', async (t) => {
  const { dataDir } = testFolder(t)
  const env = { TOLLGATE_DATA_DIR: dataDir, LOG_LEVEL: 'info' }
  const first = await startServing(t, env)
  const [, operatorKey] = /Operator key: (tg_op_\w+)/.exec(first.out()) ?? []
  const [, demoKey] = /Demo tenant: +demo, with the key (tg_live_\w+)/.exec(first.out()) ?? []
  assert.ok(operatorKey && demoKey, first.out())
  assert.match(first.url, /^http:\/\/127\.0\.0\.1:\d+$/)
  assert.ok(first.out().includes(`${first.url}/docs`))

  const decision = pasted(lineWith(first.out(), '/api/track'))
  assert.deepEqual([decision.decision, decision.seq, decision.quota.used], ['allowed', 2, 1])
  const bill = pasted(lineWith(first.out(), '/api/billing/current'))
  assert.equal(bill.total, '0.10')
  const tenants = { method: 'GET', path: '/api/admin/tenants' }
  const { data } = expectStatus(await send(first.url, operatorKey, tenants), 200).body
  assert.deepEqual(
    data.map(({ tenant_id }: { tenant_id: string }) => tenant_id),
    ['demo'],
  )

  const verified = await runTollgate(t, ['verify'], env)
  assert.equal(verified.code, 0, verified.logs)
  assert.match(verified.out, /^2 lines of 1 logs verified, 0 differences$/m)
  const beside = await runTollgate(t, ['serve'], { ...env, PORT: '0' })
  assert.equal(beside.code, 1)
  assert.doesNotMatch(beside.logs, /^\s+at /m, 'a sentence, not a stack')

  const postmaster = postmasterPid(clusterOf(dataDir))
  first.child.kill('SIGTERM')
  assert.equal(await first.ended, 0)
  assert.equal(isAlive(postmaster), false)
  for (const key of [operatorKey, demoKey]) assert.ok(!first.logs().includes(key))
  assert.equal(filesWith(operatorKey, dataDir), '', 'the operator key is kept nowhere')

  const second = await startServing(t, env)
  assert.ok(!second.out().includes('tg_op_'), 'the operator key is shown once')
  assert.ok(second.out().includes(demoKey))
  expectStatus(await send(second.url, operatorKey, tenants), 200)
  assert.equal(pasted(lineWith(second.out(), '/api/billing/current')).total, '0.10')
  second.child.kill('SIGTERM')
  assert.equal(await second.ended, 0)
})

test('a first start that finds its port taken has made no key that nobody saw', async (t) => {
  const { dataDir } = testFolder(t)
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const env = { TOLLGATE_DATA_DIR: dataDir }
  const refused = await runTollgate(t, ['serve'], { ...env, PORT: String(port) })
  assert.equal(refused.code, 1)
  assert.match(refused.logs, /Port \d+ is in use/)
  assert.doesNotMatch(refused.logs, /secretKey/, 'nothing of the driver is in the log')
  const started = await startServing(t, env)
  assert.match(started.out(), /Operator key: tg_op_\w+/)
  started.child.kill('SIGTERM')
  assert.equal(await started.ended, 0)
})

function lineWith(text: string, part: string): string {
  const line = text.split('\n').find((one) => one.trim().startsWith('curl') && one.includes(part))
  assert.ok(line, `there is no curl line with ${part} in: ${text}`)
  return line.trim()
}

/** As a shell does it, for the quotes are half of it. */
function pasted(line: string) {
  return JSON.parse(
    execFileSync('sh', ['-c', line], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  )
}

function filesWith(text: string, folder: string): string {
  try {
    return execFileSync('grep', ['-rl', '-e', text, folder], { encoding: 'utf8' })
  } catch {
    return ''
  }
}

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runTollgate } from './api-process.ts'
import { testDatabase } from './database.ts'
import { expectStatus, handClock, nodeOn } from './node.ts'

const database = await testDatabase()
const clock = handClock('2025-01-01T00:00:00Z')
const node = await nodeOn(database, { clock })
const folder = mkdtempSync(join(tmpdir(), 'tollgate-backtest-'))
after(async () => {
  await node.stop()
  await database.drop()
  rmSync(folder, { recursive: true })
})
const env = { DATABASE_URL: database.url }
const catalog = join(folder, 'other.yaml')
writeFileSync(
  catalog,
  `catalog: 1
plans:
  pro: { price: { base: "5", per_unit: "0.05" } }
  free: { price: { base: "3" } }
`,
)
const command = ['backtest', '--catalog', catalog, '--from', '2025-01-01', '--to', '2025-02-01']

clock.set('2025-01-01T00:00:01Z')
for (const plan of ['pro', 'free', 'team']) {
  const { key } = await node.tenant({ plan, tenant_id: `on-${plan}` })
  const events = Array.from({ length: 110 }, () => ({ endpoint: '/notes' }))
  expectStatus(await node.call('POST', '/api/track', key, events), 200)
}
await node.tenant({ plan: 'pro', tenant_id: 'rehearsal', test_clock: '2025-01-01T00:00:00Z' })

test('a table shows who would pay what, who most more first, and what it comes to', async (t) => {
  const { code, out, logs } = await runTollgate(t, command, env)
  assert.equal(code, 0, logs)
  assert.deepEqual(
    out.split('\n').map((line) => line.replaceAll(/ +/g, ' ')),
    [
      'tenant plan now then difference % denied allowed',
      'on-free free 0.00 USD 3.00 USD +3.00 new 0 10',
      'on-team team 10.00 USD 10.00 USD 0.00 0 % 0 0 keeps team',
      'on-pro pro 11.00 USD 10.50 USD -0.50 -4.5 % 0 0',
      '',
      'USD: 21.00 now, 23.50 then, +2.50 (+11.9 %); 1 would pay less, 1 more, 1 the same',
      '0 calls that were allowed would be denied, 10 that were denied would be allowed',
      '0 entries could not be carried out and were left out',
      '',
    ],
  )
})

test('as JSON it says the same for programs, of the tenants that are named', async (t) => {
  const named = [...command, '--json', '--tenant', 'on-pro', 'rehearsal']
  const { code, out, logs } = await runTollgate(t, named, env)
  assert.equal(code, 0, logs)
  const { currencies, data } = JSON.parse(out)
  const shown = data.map(({ tenant_id, difference }: Record<string, string>) => {
    return [tenant_id, difference]
  })
  // A clock that stands in the period shows what it comes to until now.
  assert.deepEqual(shown, [
    ['on-pro', '-0.50'],
    ['rehearsal', '5.00'],
  ])
  assert.deepEqual([currencies[0].winners, currencies[0].losers], [1, 1])
})

test('what is wrong with the command, or the catalog, is told in a sentence', async (t) => {
  const broken = join(folder, 'broken.yaml')
  writeFileSync(broken, 'catalog: 1\nplans:\n  pro: { quota: 7 }\n')
  for (const [args, words] of [
    [['--from', '2025-02-30'], /--from must be a date/],
    [['--to', '2025-01-01'], /--to must lie after --from/],
    [['--tenant', 'on-pro', 'nobody'], /There is no tenant nobody/],
    [['--catalog', broken], /broken.yaml:3:17: plans.pro.quota: must be a mapping/],
    [['--catalog', join(folder, 'none')], /cannot be read/],
  ] as const) {
    const { code, out, logs } = await runTollgate(t, [...command, ...args], env)
    assert.deepEqual([code, out], [1, ''])
    assert.match(logs, words)
    assert.doesNotMatch(logs, /^\s+at /m)
  }
})

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { expectStatus, testNode } from '../../test/node.ts'
import { sendCalls } from '../../test/usage-example.ts'
import { placeTenants, UsageFolder } from './rollups/folder.ts'

// Where clocks are set by half an hour: rollups have other hours there than anywhere else.

const node = await testNode()
after(() => node.stop())
const service = await node.service('s')
const { pool } = node.server

const ZONE = 'Australia/Lord_Howe'
const TEN_MINUTES = 600_000
const CALLS_PER_DAY = 150

type Day = { date: string; around: string; halves: string[]; hours: number }
const DAYS: Day[] = [
  {
    date: '2025-10-05',
    around: '2025-10-04T15:30:00Z',
    halves: ['2025-10-05T02:30:00+11:00', '2025-10-05T03:00:00+11:00'],
    hours: 24,
  },
  {
    date: '2025-04-06',
    around: '2025-04-05T15:00:00Z',
    halves: ['2025-04-06T01:30:00+10:30', '2025-04-06T02:00:00+10:30'],
    hours: 25,
  },
]

for (const { date, around, halves, hours } of DAYS) {
  test(`each hour of ${date} has its own calls, whatever is folded`, async () => {
    const test_clock = new Date(Date.parse(around) + 86_400_000).toISOString()
    const { id, key } = await node.tenant({ plan: 'enterprise', time_zone: ZONE, test_clock })
    const times = Array.from({ length: CALLS_PER_DAY }, (_, index) => {
      return Date.parse(around) + (index - CALLS_PER_DAY / 2) * TEN_MINUTES
    })
    const calls = times.map((at) => ({ timestamp: new Date(at).toISOString(), method: 'GET' }))
    await sendCalls(node, service.key, id, calls)
    const days = `start_date=${date}&end_date=${date}&granularity=hourly`
    const read = async (what: string) => {
      return expectStatus(await node.call('GET', `/api/usage/${what}`, key), 200).body
    }
    const compare = async () => {
      const { data } = await read(`history?${days}`)
      assert.equal(data.length, hours)
      const labels: string[] = data.map((entry: { date: string }) => entry.date)
      for (const half of halves) assert.ok(labels.includes(half), half)
      const found = data.map((entry: { conversions: { total: number } }) => entry.conversions.total)
      assert.deepEqual(found, labels.map(countedIn(times, date)))
      // By two things, so that it is read from the log.
      const { series } = await read(`timeseries?${days}&method=GET&service=s`)
      const points: { total: number }[] = series[0].data
      assert.deepEqual(
        points.map(({ total }) => total),
        found,
      )
      const paged = await read(
        `history?${days}&limit=2&cursor=${(await read(`history?${days}&limit=1`)).next_cursor}`,
      )
      assert.deepEqual(paged.data, data.slice(1, 3))
    }
    await compare()
    await placeTenants(pool)
    await new UsageFolder(pool).run()
    await compare()
  })
}

/** From a label to the next one; the last hour ends with the day. */
function countedIn(times: readonly number[], date: string) {
  const end = Temporal.PlainDate.from(date).add({ days: 1 }).toZonedDateTime(ZONE)
  return (label: string, index: number, labels: string[]) => {
    const next = labels[index + 1]
    const to = next === undefined ? end.epochMilliseconds : Date.parse(next)
    return times.filter((at) => at >= Date.parse(label) && at < to).length
  }
}

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { testDatabase } from '../../../test/database.ts'
import { createPool } from '../../db/pool.ts'
import { ENTRY_KIND_CODES, REASON_CODES } from '../../ledger/codes.ts'
import { CODE, CODE_SQL, happenedIn } from './page-sql.ts'

const database = await testDatabase()
const pool = createPool(database.url, () => undefined)
after(async () => {
  await pool.end()
  await database.drop()
})

test('every kind, reason and flag comes out of a code as it went in', async () => {
  const kinds = Object.values(ENTRY_KIND_CODES)
  const reasons = [0, ...Object.values(REASON_CODES)]
  const { rows } = await pool.query(
    `SELECT *, ${CODE_SQL} AS code FROM unnest($1::int2[]) AS kind, unnest($2::int2[]) AS reason,
       unnest('{f,t}'::bool[]) AS counted, unnest('{f,t}'::bool[]) AS overage,
       unnest('{f,t}'::bool[]) AS failed`,
    [kinds, reasons],
  )
  assert.equal(rows.length, kinds.length * reasons.length * 8)
  for (const { code, ...parts } of rows) {
    const decoded = Object.entries(CODE).map(([name, of]) => [name, of(code)])
    assert.deepEqual(Object.fromEntries(decoded), parts)
  }
})

test('a call is in a range if its time is, or when it was recorded where that is earlier', async () => {
  const moment = fc.integer({ min: 0, max: 6 })
  const call = fc.record({ occurred: fc.option(moment), recorded: moment })
  await fc.assert(
    fc.asyncProperty(fc.array(call), moment, moment, async (calls, from, to) => {
      const { rows } = await pool.query<{ in: boolean }>(
        `SELECT coalesce(${happenedIn(from, to)}, false) AS in
         FROM (SELECT to_timestamp(o / 1000.0) AS occurred_at, to_timestamp(r / 1000.0) AS recorded_at, n
           FROM unnest($1::int[], $2::int[]) WITH ORDINALITY AS one (o, r, n)) AS call ORDER BY n`,
        [calls.map(({ occurred }) => occurred), calls.map(({ recorded }) => recorded)],
      )
      assert.deepEqual(
        rows.map((row) => row.in),
        calls.map(({ occurred, recorded }) => {
          const at = Math.min(occurred ?? recorded, recorded)
          return at >= from && at < to
        }),
      )
    }),
    { numRuns: 60 },
  )
})

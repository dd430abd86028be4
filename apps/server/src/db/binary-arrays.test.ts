import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { testDatabase } from '../../test/database.ts'
import {
  boolArray,
  int2Array,
  int4Array,
  int8Array,
  int8ArrayOfNumbers,
  jsonArray,
  textArray,
  timestampArray,
  uuidArray,
} from './binary-arrays.ts'
import { createPool } from './pool.ts'

const database = await testDatabase()
const pool = createPool(database.url, () => {})
after(async () => {
  await pool.end()
  await database.drop()
})

type ToArray<T> = (
  rows: readonly { value: T | null }[],
  get: (row: { value: T | null }) => T | null,
) => Buffer | null

/** What PostgreSQL makes of a column, beside a column of numbers so that rows that are only null show. */
async function throughPostgres<T>(
  toArray: ToArray<T>,
  values: readonly (T | null)[],
  { type, as = 'value' }: { type: string; as?: string },
): Promise<unknown[]> {
  const rows = values.map((value) => ({ value }))
  const column = toArray(rows, ({ value }) => value)
  const numbers = int4Array([...values.keys()], (number) => number)
  const result = await pool.query(
    `SELECT ${as} AS value FROM unnest($1::int4[], $2::${type}[]) AS g (number, value) ORDER BY number`,
    [numbers, column],
  )
  return result.rows.map(({ value }) => value)
}

function column<T>(value: fc.Arbitrary<T>): fc.Arbitrary<(T | null)[]> {
  return fc.array(fc.option(value, { freq: 4 }), { maxLength: 30 })
}

function roundTrips<T>(
  name: string,
  toArray: ToArray<T>,
  value: fc.Arbitrary<T>,
  type: { type: string; as?: string },
  expected: (value: T) => unknown = (same) => same,
): void {
  test(`a column of ${name} arrives as it was, with its nulls`, async () => {
    await fc.assert(
      fc.asyncProperty(column(value), async (values) => {
        const arrived = await throughPostgres(toArray, values, type)
        const wanted = values.map((one) => (one === null ? null : expected(one)))
        assert.deepEqual(arrived, wanted)
      }),
      { numRuns: 40 },
    )
  })
}

const int8s = fc.oneof(
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, -1n, 0n, 2n ** 32n, -(2n ** 32n), 2n ** 31n),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
)
roundTrips('64-bit integers', int8Array, int8s, { type: 'int8' })

const safeIntegers = fc.oneof(
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -1, 0, -0, 2 ** 32, -(2 ** 32)),
  fc.maxSafeInteger(),
)
roundTrips('safe integers', int8ArrayOfNumbers, safeIntegers, { type: 'int8' }, BigInt)

roundTrips('32-bit integers', int4Array, fc.integer(), { type: 'int4' })
roundTrips('16-bit integers', int2Array, fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }), {
  type: 'int2',
})
roundTrips('truth values', boolArray, fc.boolean(), { type: 'bool' })

/** What PostgreSQL cannot store: NUL. Half a surrogate pair, UTF-8 cannot. */
const texts = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('', '{}', 'NULL', '"', '\\', "'", '\u{10ffff}', '\u0001', '日本語', '👩‍👩‍👧'),
    fc.string({ minLength: 500, maxLength: 2_000, unit: 'grapheme' }),
  )
  .map((text) => text.replaceAll('\0', ''))
roundTrips('texts', textArray, texts, { type: 'text' })

roundTrips('JSON texts', jsonArray, fc.json(), { type: 'json', as: 'value::text' })

const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 })
roundTrips(
  'keys of 16 bytes',
  uuidArray,
  bytes.map((key) => Buffer.from(key).toString('latin1')),
  { type: 'uuid' },
  (key) =>
    Buffer.from(key, 'latin1')
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
)

/** Until 4253 a double holds microseconds times the eight that 1,000 has as a factor. */
const instants = fc.oneof(
  fc.constantFrom(
    Date.parse('1900-01-01'),
    Date.parse('1969-12-31T23:59:59.999Z'),
    Date.parse('1999-12-31T23:59:59.999Z'),
    Date.parse('2000-01-01'),
    Date.parse('2100-12-31'),
    Date.parse('2255-06-06'),
    Date.parse('4000-01-01'),
  ),
  fc.integer({ min: Date.parse('1000-01-01'), max: Date.parse('4000-01-01') }),
)
roundTrips('instants', timestampArray, instants, { type: 'timestamptz' })

test('an instant is exact to the millisecond also for PostgreSQL itself', async () => {
  const at = Date.parse('2287-11-11T11:11:11.111Z')
  const as = `to_char(value AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`
  const arrived = await throughPostgres(timestampArray, [at, null], { type: 'timestamptz', as })
  assert.deepEqual(arrived, ['2287-11-11 11:11:11.111000', null])
})

test('a column without any value is not sent, and arrives as nulls', async () => {
  const columns: ToArray<never>[] = [
    int8Array,
    int4Array,
    boolArray,
    textArray,
    jsonArray,
    uuidArray,
  ]
  for (const toArray of columns) {
    assert.equal(
      toArray([], () => null),
      null,
    )
    assert.equal(
      toArray([{ value: null }, { value: null }], () => null),
      null,
    )
  }
  assert.deepEqual(await throughPostgres(textArray, [null, null], { type: 'text' }), [null, null])
})

test('half a surrogate pair becomes a replacement character, and shifts nothing behind it', async () => {
  const arrived = await throughPostgres(textArray, ['a\ud800', 'b', '\udc00c'], { type: 'text' })
  assert.deepEqual(arrived, ['a\ufffd', 'b', '\ufffdc'])
})

test('columns of 4,000 rows arrive in their order', async () => {
  const values = Array.from({ length: 4_000 }, (_, index) => `${index} ü`)
  assert.deepEqual(await throughPostgres(textArray, values, { type: 'text' }), values)
})

test('a number that its column cannot hold is an error, and not another number', () => {
  const one = (value: unknown) => [{ value }] as { value: never }[]
  const get = ({ value }: { value: never }) => value
  assert.throws(() => int4Array(one(2 ** 31), get), RangeError)
  assert.throws(() => int2Array(one(2 ** 15), get), RangeError)
  assert.throws(() => int8Array(one(2n ** 63n), get), RangeError)
})

import fc from 'fast-check'

/** JSON as text, since no value of JavaScript is written as 1e400 or holds a field twice. */
export type JsonText = string

export type Kind =
  | 'text'
  | 'tenantId'
  | 'credits'
  | 'count'
  | 'quantity'
  | 'boolean'
  | 'choice'
  | 'instant'
  | 'expiry'
  | 'method'
  | 'properties'
  | 'email'
  | 'seconds'
  | 'priority'
  | 'timeZone'
  | 'serviceName'
  | 'mapping'
  | 'flag'
  | 'list'
  | 'moment'
  | 'catalog'
  | 'textOrNull'
  | 'emailOrNull'
  | 'money'
  | 'moneyOrNull'
  | 'percentOrNull'
  | 'currencyOrNull'
  | 'periods'

const DEEP = `${'['.repeat(1_000)}${']'.repeat(1_000)}`
const json = (...values: unknown[]): JsonText[] => values.map((value) => JSON.stringify(value))
const NUMBERS_OUT_OF_RANGE = [
  '1e400',
  '-1e400',
  '1e308',
  '-1e308',
  '1.00000001',
  '5e-324',
  '9007199254740993.5',
]
const NEVER_TEXT = ['0', '1e400', 'null', 'true', '[]', '{}', '["x"]', DEEP]
const BROKEN_TEXT = ['"a\\u0000b"', '"\\ud800"', '"x\\udc00y"', '"\\u0000"']
const NEVER_NUMBER = ['"1"', '""', 'null', 'true', '[]', '{}', '[1]', '"NaN"', '"1e3"', DEEP]

const NEVER_MONEY = ['', '0', '-1', '1e3', '1.0000001', '.5', '1.', ' 1', '+1', 'NaN', '１', '0x1']
const BAD_MONEY = [...NEVER_TEXT, ...BROKEN_TEXT, ...json(...NEVER_MONEY, '9'.repeat(13))]
const orNull = (bad: JsonText[]) => bad.filter((value) => value !== 'null')

/** For each kind of field, values that no field of the kind may take. */
const BAD_VALUES: Record<Kind, JsonText[]> = {
  text: [...NEVER_TEXT, ...BROKEN_TEXT, ...json('', 'x'.repeat(1_025))],
  tenantId: [
    ...NEVER_TEXT,
    ...BROKEN_TEXT,
    ...json('', ' ', 'a b', '../x', 'ü', '-a', 'a'.repeat(65), "a'--"),
  ],
  serviceName: [
    ...NEVER_TEXT,
    ...BROKEN_TEXT,
    ...json('', ' ', 'a b', '../x', 'ü', '-a', 'a'.repeat(101), "a'--"),
  ],
  email: [
    ...NEVER_TEXT,
    ...BROKEN_TEXT,
    ...json('', 'x', '@', 'a@b', `${'a'.repeat(250)}@example.com`),
  ],
  method: [...NEVER_TEXT, ...BROKEN_TEXT, ...json('', 'GE T', 'GET\n', 'x'.repeat(17), 'ПОСТ')],
  timeZone: [
    ...NEVER_TEXT,
    ...BROKEN_TEXT,
    ...json('', 'Mars/Phobos', '+02:00', 'x'.repeat(65), '../../etc'),
  ],
  choice: [...NEVER_TEXT, ...BROKEN_TEXT, ...json('', 'SUCCESS', 'Suspended', 'toString')],
  credits: [...NEVER_NUMBER, ...NUMBERS_OUT_OF_RANGE, '1000000001', '-1000000001'],
  quantity: [...NEVER_NUMBER, ...NUMBERS_OUT_OF_RANGE, '-1', '1000000001'],
  count: [...NEVER_NUMBER, ...NUMBERS_OUT_OF_RANGE, '-1', '1.5', '1000000000001'],
  seconds: [...NEVER_NUMBER, ...NUMBERS_OUT_OF_RANGE, '0', '-1', '1.5', '604801'],
  money: BAD_MONEY,
  moneyOrNull: orNull(BAD_MONEY),
  percentOrNull: orNull([
    ...NEVER_TEXT,
    ...BROKEN_TEXT,
    ...json('', '-1', '100.1', '101', '1e1', '19%', '1.00001', '.5', ' 1'),
  ]),
  currencyOrNull: orNull([
    ...NEVER_TEXT,
    ...BROKEN_TEXT,
    ...json('', 'usd', 'US', 'USDD', 'EUR', 'XXQ', '€'),
  ]),
  textOrNull: orNull([...NEVER_TEXT, ...BROKEN_TEXT, ...json('', 'x'.repeat(1_025))]),
  emailOrNull: orNull([...NEVER_TEXT, ...BROKEN_TEXT, ...json('', 'x', '@', 'a@b')]),
  periods: [...NEVER_NUMBER, ...NUMBERS_OUT_OF_RANGE, '0', '-1', '1.5', '1201'],
  priority: [...NEVER_NUMBER, ...NUMBERS_OUT_OF_RANGE, '-1', '1.5', '1001'],
  boolean: ['0', '1', '"true"', 'null', '[]', '{}', DEEP],
  flag: ['0', '1', '"true"', '[]', '{}', DEEP],
  mapping: ['0', 'null', 'true', '""', '[]', '[{}]', '{"Not a name":{}}', '{"gold":1}', DEEP],
  list: ['0', 'null', 'true', '""', '{}', '[1]', '[{}]', '[{"path":1}]', '[{"path":"x"}]', DEEP],
  instant: [
    ...NEVER_TEXT,
    ...BROKEN_TEXT,
    ...json(
      '',
      'now',
      '2026-01-01',
      '2026-01-01T00:00:00',
      '2026-02-30T00:00:00Z',
      '2026-13-01T00:00:00Z',
    ),
    ...json(
      '0001-01-01T00:00:00Z',
      '9999-12-31T23:59:59Z',
      '+010000-01-01T00:00:00Z',
      '2026-01-01T25:00:00Z',
    ),
    ...json('1999-12-31T23:59:59Z', '2026-01-01T00:00:00Z\n', '0000-00-00T00:00:00Z'),
  ],
  moment: [
    ...NEVER_TEXT,
    ...BROKEN_TEXT,
    ...json('', 'now', '2026-02-30', '2026-13-01', '2026-01-01T00:00:00', '2026-01-01\n', '26-1-1'),
  ],
  catalog: [
    ...['0', 'null', 'true', '[]', '"{}"', '{}', '{"catalog":2,"plans":{"p":{}}}', '{"catalog":1}'],
    ...['{"catalog":1,"plans":{}}', '{"catalog":1,"plans":{"p":{"quota":1}}}'],
    ...['{"catalog":1,"plans":{"p":{"price":{"base":"1e9"}}}}', `{"catalog":1,"plans":${DEEP}}`],
  ],
  expiry: [
    ...NEVER_TEXT,
    ...BROKEN_TEXT,
    ...json(
      '',
      'never',
      '2026-02-30T00:00:00Z',
      '0001-01-01T00:00:00Z',
      '2020-01-01T00:00:00Z',
      '2999-01-01',
    ),
  ],
  properties: [
    ...[
      '0',
      'null',
      'true',
      '[]',
      '"{}"',
      '[{}]',
      '{"__proto__":1}',
      '{"a":{"__proto__":{"b":1}}}',
    ],
    ...['{"a\\u0000":1}', '{"a":"\\ud800"}', '{"\\udc00":1}', '{"a":{"b":["\\u0000"]}}'],
    ...[
      `{"a":${DEEP}}`,
      JSON.stringify({ a: 'x'.repeat(4_097) }),
      JSON.stringify({ a: 'ü'.repeat(2_100) }),
    ],
  ],
}

export function badValue(kind: Kind): fc.Arbitrary<JsonText> {
  return fc.constantFrom(...BAD_VALUES[kind])
}

/** Names that no body knows. */
export const unknownField: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'then',
    'toJSON',
  ),
  fc.constantFrom(
    '',
    ' endpoint',
    'Endpoint',
    'tenant_id ',
    'a\0',
    '\ud800',
    'x'.repeat(20_000),
    '$ref',
    '[0]',
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).map((name) => `unknown ${name}`),
)

/** Bodies that are no JSON, or no JSON that any route takes. */
export const brokenBody: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '{',
    '{"endpoint":"/x"',
    '{"endpoint":"/x"}}',
    "{'endpoint':'/x'}",
    '{endpoint:1}',
  ),
  fc.constantFrom(
    '[',
    ']',
    '[,]',
    'NaN',
    'undefined',
    '{"endpoint":01}',
    '{"endpoint":"/x",}',
    '"\u0001"',
  ),
  fc.constantFrom(
    'null',
    'true',
    '0',
    '""',
    '{}',
    '[]',
    '[[]]',
    '\ufeff{"endpoint":"/x"}',
    DEEP,
    '{"a":'.repeat(1_000),
  ),
  fc.constantFrom(
    '["\\u0000"]',
    '{"\\ud800":1}',
    '{"__proto__":{"endpoint":"/x"}}',
    `{"endpoint":${DEEP}}`,
  ),
  fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => Uint8Array.from([0xff, ...bytes])),
  fc
    .constantFrom([0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc0, 0x80])
    .map(asText),
  fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify({ unknown: value })),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => `!${text}`),
)

/** What a query or path may be made to hold, percent-encoded already. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '%00',
    'a%00b',
    '%ED%A0%80',
    '%C0%AF',
    '%',
    '%zz',
    '%E0%A4%A',
    '%25',
    '%2e%2e',
    '%2F',
    '%0d%0a',
  ),
  fc.constantFrom(
    'null',
    'undefined',
    '-1',
    '1e9',
    '0x10',
    'NaN',
    "'%20OR%201=1",
    '%F0%9F%98%80',
    'x'.repeat(300),
  ),
  fc.constantFrom(
    '99999999999999999999',
    '9007199254740993',
    '-0',
    '1.5',
    '%7B%7D',
    '%5B%5D',
    'a'.repeat(4_000),
  ),
  fc
    .string({ unit: 'grapheme', maxLength: 20 })
    .map((text) => encodeURIComponent(text.replaceAll('.', '_'))),
)

/** Bytes that are not UTF-8, within a string of an event that would be taken otherwise. */
function asText(bytes: readonly number[]): Uint8Array {
  return Buffer.concat([Buffer.from('{"endpoint":"/'), Buffer.from(bytes), Buffer.from('"}')])
}

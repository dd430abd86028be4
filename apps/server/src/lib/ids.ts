/**
 * Public ids of lines of a log: tenant and `seq` in base 32, so that an id leads to its line without
 * an index of its own. Lower case, without i, l, o, u.
 */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz'
const TENANT_DIGITS = 7
const SEQ_DIGITS = 10
const VALUE_OF = new Map([...DIGITS].map((digit, value) => [digit, value]))

export type EntryIdPrefix = 'evt' | 'hld' | 'aud' | 'inv' | 'crn'

export function entryId(prefix: EntryIdPrefix, tenantNo: number, seq: number): string {
  return `${prefix}_${encode(tenantNo, TENANT_DIGITS)}${encode(seq, SEQ_DIGITS)}`
}

/** The line an id leads to, or null for what is no id of that kind. */
export function parseEntryId(
  prefix: EntryIdPrefix,
  id: string,
): { tenantNo: number; seq: number } | null {
  if (id.length !== prefix.length + 1 + TENANT_DIGITS + SEQ_DIGITS) return null
  if (!id.startsWith(`${prefix}_`)) return null
  const digits = id.slice(prefix.length + 1)
  const tenantNo = decode(digits.slice(0, TENANT_DIGITS))
  const seq = decode(digits.slice(TENANT_DIGITS))
  if (tenantNo === null || seq === null || tenantNo > 0x7fffffff) return null
  return { tenantNo, seq }
}

function encode(value: number, digits: number): string {
  let text = ''
  let rest = value
  while (text.length < digits) {
    text = DIGITS[rest % 32]! + text
    rest = Math.floor(rest / 32)
  }
  return text
}

function decode(text: string): number | null {
  let value = 0
  for (const digit of text) {
    const part = VALUE_OF.get(digit)
    if (part === undefined) return null
    value = value * 32 + part
  }
  return value
}

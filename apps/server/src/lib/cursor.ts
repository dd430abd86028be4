import { invalidField } from './problem-error.ts'

/** Where a page ends, for the next to begin: opaque to the reader. */
export function encodeCursor(...position: number[]): string {
  return Buffer.from(position.join('.')).toString('base64url')
}

/** @throws ProblemError invalid_request, for what `encodeCursor` has not made */
export function decodeCursor(cursor: string | undefined): number | null {
  return decodeCursorOf(1, cursor)?.[0] ?? null
}

/** Of a list whose rows have a place of so many numbers. @throws ProblemError as `decodeCursor` */
export function decodeCursorOf(numbers: number, cursor: string | undefined): number[] | null {
  if (cursor === undefined) return null
  const text = Buffer.from(cursor, 'base64url').toString('latin1')
  const position = text.split('.').map(Number)
  const isOurs = /^\d{1,15}(\.\d{1,15})*$/.test(text) && position.length === numbers
  if (!isOurs || encodeCursor(...position) !== cursor) {
    throw invalidField('cursor', 'not a next_cursor of this list')
  }
  return position
}

/** One page of rows that were read with one more than `limit`, to see whether there is a next one. */
export function page<T>(
  rows: T[],
  limit: number,
  positionOf: (row: T) => number | number[],
): { rows: T[]; nextCursor: string | null } {
  if (rows.length <= limit) return { rows, nextCursor: null }
  const shown = rows.slice(0, limit)
  return { rows: shown, nextCursor: encodeCursor(...[positionOf(shown.at(-1)!)].flat()) }
}

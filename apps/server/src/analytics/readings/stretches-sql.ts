/** SQL of whether an instant lies in one of the stretches that $2 says the beginnings of. */
export const within = (column: string) =>
  `${column} >= ($2::timestamptz[])[1] AND ${column} < ($2::timestamptz[])[cardinality($2::timestamptz[])]`

/** As parameters. @param starts in ms */
export function instants(starts: readonly number[]): string[] {
  return starts.map((at) => new Date(at).toISOString())
}

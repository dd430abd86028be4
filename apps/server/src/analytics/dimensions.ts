/** What calls are counted by. The numbers are stored: never change one, never use one again. */
export const DIMENSION_CODES = {
  total: 0,
  service: 1,
  endpoint: 2,
  method: 3,
  key: 4,
  conversion: 5,
  file_type: 6,
  output_format: 7,
  status: 8,
  error_code: 9,
  region: 10,
  feature: 11,
  property: 12,
} as const
export type Dimension = keyof typeof DIMENSION_CODES

const names = new Map(
  Object.entries(DIMENSION_CODES).map(([name, code]) => [code as number, name as Dimension]),
)

export function dimensionFromCode(code: number): Dimension {
  const name = names.get(code)
  if (name === undefined) throw new Error(`The rollups have an unknown dimension ${code}`)
  return name
}

/** Added to a dimension or metric where it is by the day and not by the hour. Stored, as above. */
export const BY_DAY = 100

/** Between the name and the value of a property, which are one value of its dimension. */
export const EQUALS = '='

/** Where values beyond the bound of an hour are counted together. */
export const OTHER = '(other)'
/** The error of a call that failed and did not say why. */
export const UNKNOWN_ERROR = 'unknown'

/** What is counted in a histogram. Stored, as above. */
export const METRIC_CODES = { processing_time: 0, file_size: 1 } as const
export type Metric = keyof typeof METRIC_CODES

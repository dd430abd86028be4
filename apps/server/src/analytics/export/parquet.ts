import type { SchemaElement } from 'hyparquet'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'

export type ParquetType = 'whole' | 'double' | 'micros' | 'instant' | 'flag' | 'text'
export type ParquetColumn = { name: string; type: ParquetType }
export type ParquetValue = bigint | number | boolean | string | null

const ELEMENTS: Record<ParquetType, Omit<SchemaElement, 'name'>> = {
  whole: { type: 'INT64' },
  double: { type: 'DOUBLE' },
  // Millionths are stored as they are, exactly.
  micros: { type: 'INT64', converted_type: 'DECIMAL', precision: 18, scale: 6 },
  instant: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  flag: { type: 'BOOLEAN' },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
}

/**
 * A Parquet file in pieces: each row group leaves when it is made, and only what its end must tell of
 * it stays.
 */
export class ParquetPieces {
  readonly #columns: readonly ParquetColumn[]
  readonly #bytes = new ByteWriter()
  readonly #writer: ParquetWriter

  constructor(columns: readonly ParquetColumn[]) {
    this.#columns = columns
    const elements = columns.map(
      ({ name, type }): SchemaElement => ({ name, ...ELEMENTS[type], repetition_type: 'OPTIONAL' }),
    )
    const schema = [{ name: 'root', num_children: columns.length }, ...elements]
    this.#writer = new ParquetWriter({ writer: this.#bytes, schema, createdBy: 'tollgate' })
  }

  /** @param values by column, as many of each */
  async rowGroup(values: readonly ParquetValue[][]): Promise<Buffer> {
    const columnData = this.#columns.map(({ name }, index) => ({ name, data: values[index]! }))
    await this.#writer.write({ columnData, rowGroupSize: Math.max(1, values[0]!.length) })
    return this.#taken()
  }

  async end(): Promise<Buffer> {
    await this.#writer.finish()
    return this.#taken()
  }

  #taken(): Buffer {
    const taken = Buffer.from(this.#bytes.getBytes())
    this.#bytes.index = 0
    return taken
  }
}

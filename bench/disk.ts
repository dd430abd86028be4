import pg from 'pg'

export type Relation = { name: string; tableBytes: number; indexBytes: number }

/** What each table takes on disk, partitions added up under the table they belong to. */
export async function diskUse(databaseUrl: string): Promise<Relation[]> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string; heap: string; indexes: string }>(`
      SELECT coalesce(parent.relname, class.relname) AS name,
             sum(pg_table_size(class.oid))::text AS heap,
             sum(pg_indexes_size(class.oid))::text AS indexes
      FROM pg_class AS class
      JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
      LEFT JOIN pg_inherits AS inherits ON inherits.inhrelid = class.oid
      LEFT JOIN pg_class AS parent ON parent.oid = inherits.inhparent
      WHERE class.relkind = 'r' AND namespace.nspname NOT IN ('pg_catalog', 'information_schema')
      GROUP BY 1 ORDER BY 1`)
    return rows.map(({ name, heap, indexes }) => ({
      name,
      tableBytes: Number(heap),
      indexBytes: Number(indexes),
    }))
  } finally {
    await client.end()
  }
}

/** How much the tables grew per event, tables and indexes. */
export function growthPerEvent(before: Relation[], after: Relation[], events: number) {
  const was = new Map(before.map((relation) => [relation.name, relation]))
  const relations = after.map(({ name, tableBytes, indexBytes }) => ({
    name,
    table: (tableBytes - (was.get(name)?.tableBytes ?? 0)) / events,
    indexes: (indexBytes - (was.get(name)?.indexBytes ?? 0)) / events,
  }))
  return {
    bytes: relations.reduce((sum, { table, indexes }) => sum + table + indexes, 0),
    /** The tables that matter, as text. */
    details: relations
      .filter(({ table, indexes }) => table + indexes >= 0.5)
      .map((one) => `${one.name} ${one.table.toFixed(1)} + ${one.indexes.toFixed(1)} of indexes`)
      .join(', '),
  }
}

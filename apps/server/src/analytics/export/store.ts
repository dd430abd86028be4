import type { Queryable } from '../../db/pool.ts'

/** Of the calls in (after, to] those that were taken back by lines up to `through`, with the line that did it. */
export async function readVoided(
  db: Queryable,
  tenantNo: number,
  { after, to, through }: { after: number; to: number; through: number },
): Promise<Map<number, number>> {
  const { rows } = await db.query<{ voided: bigint; seq: bigint }>({
    name: 'read_voided',
    text: `SELECT (detail ->> 'voided_seq')::int8 AS voided, seq FROM entry
      WHERE tenant_no = $1::int4 AND kind = 11 AND (detail ->> 'voided_seq')::int8 > $2::int8
        AND (detail ->> 'voided_seq')::int8 <= $3::int8 AND seq <= $4::int8`,
    values: [tenantNo, after, to, through],
  })
  return new Map(rows.map(({ voided, seq }) => [Number(voided), Number(seq)]))
}

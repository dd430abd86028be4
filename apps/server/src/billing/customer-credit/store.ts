import type { Queryable } from '../../db/pool.ts'

/** `left_over` by an invoice below zero, `applied` to a later one, `given_back` since that asks for less. */
export type CreditMoveKind = 'left_over' | 'applied' | 'given_back'

export type CreditMoveRow = {
  no: number
  kind: CreditMoveKind
  invoice_id: string
  document_id: string
  amount: string
}

export async function readCreditBalance(db: Queryable, tenantNo: number): Promise<string> {
  const { rows } = await db.query<{ balance: string }>(
    'SELECT balance::text FROM customer_credit WHERE tenant_no = $1',
    [tenantNo],
  )
  return rows[0]?.balance ?? '0'
}

/** As `readCreditBalance`; nobody else moves it until the transaction ends. */
export async function lockCreditBalance(db: Queryable, tenantNo: number): Promise<string> {
  const { rows } = await db.query<{ balance: string }>(
    'SELECT balance::text FROM customer_credit WHERE tenant_no = $1 FOR UPDATE',
    [tenantNo],
  )
  return rows[0]?.balance ?? '0'
}

/** Whoever moves it holds it until the transaction ends: so moves are numbered as they happened. */
export async function insertCreditMove(
  db: Queryable,
  tenantNo: number,
  move: Omit<CreditMoveRow, 'no'>,
): Promise<void> {
  await db.query(
    `WITH moved AS (
       -- What is proposed is checked as well, and only what is left over can be the first move.
       INSERT INTO customer_credit AS c (tenant_no, balance, last_no)
       VALUES ($1, greatest($5::numeric, 0), 1)
       ON CONFLICT (tenant_no) DO UPDATE SET balance = c.balance + $5::numeric, last_no = c.last_no + 1
       RETURNING last_no)
     INSERT INTO customer_credit_move (tenant_no, no, kind, invoice_id, document_id, amount)
     SELECT $1, last_no, $2, $3, $4, $5::numeric FROM moved`,
    [tenantNo, move.kind, move.invoice_id, move.document_id, move.amount],
  )
}

/** In the order in which they happened. */
export async function readCreditMoves(db: Queryable, tenantNo: number): Promise<CreditMoveRow[]> {
  const { rows } = await db.query<CreditMoveRow>(
    `SELECT no, kind, invoice_id, document_id, amount::text FROM customer_credit_move
     WHERE tenant_no = $1 ORDER BY no`,
    [tenantNo],
  )
  return rows
}

/** How much of what an invoice took was given back already. */
export async function readGivenBack(
  db: Queryable,
  tenantNo: number,
  invoiceId: string,
): Promise<string> {
  const { rows } = await db.query<{ amount: string }>(
    `SELECT coalesce(sum(amount), 0)::text AS amount FROM customer_credit_move
     WHERE tenant_no = $1 AND invoice_id = $2 AND kind = 'given_back'`,
    [tenantNo, invoiceId],
  )
  return rows[0]!.amount
}

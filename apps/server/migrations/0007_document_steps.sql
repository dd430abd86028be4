-- What was done to a tenant's documents, one after the other: corrections go by what was void and what
-- people had credited when they were made, and whoever checks them must know what that was.
CREATE TABLE document_step (
  tenant_no   integer NOT NULL,
  no          bigint NOT NULL,            -- 1, 2, 3 … per tenant
  kind        text NOT NULL,
  document_id text NOT NULL,
  PRIMARY KEY (tenant_no, no),
  CONSTRAINT each_document_is_issued_and_void_once UNIQUE (tenant_no, kind, document_id),
  CONSTRAINT kind_of_step_is_known CHECK (kind IN ('invoice', 'credit_note', 'void'))
);

-- How many there are. Whoever takes the next one holds the row, as whoever issues does.
ALTER TABLE billing_position ADD COLUMN steps bigint NOT NULL DEFAULT 0;

-- What was issued until now went by neither, so what people credited and what is void comes after it.
WITH step AS (
  SELECT tenant_no, 'invoice' AS kind, invoice_id AS document_id,
    1 AS part, through_seq, 2 AS turn, period_start AS at
  FROM invoice
  UNION ALL
  SELECT tenant_no, 'credit_note', credit_note_id,
    CASE WHEN through_seq IS NULL THEN 2 ELSE 1 END, through_seq, 1, issued_at
  FROM credit_note
  UNION ALL
  SELECT tenant_no, 'void', invoice_id, 3, NULL, 1, period_start
  FROM invoice WHERE status = 'void'
)
INSERT INTO document_step (tenant_no, no, kind, document_id)
SELECT tenant_no,
  row_number() OVER (
    PARTITION BY tenant_no ORDER BY part, through_seq, turn, at, document_id),
  kind, document_id
FROM step;

UPDATE billing_position AS p SET steps = s.steps
FROM (SELECT tenant_no, count(*) AS steps FROM document_step GROUP BY tenant_no) AS s
WHERE s.tenant_no = p.tenant_no;

CREATE TRIGGER document_step_stays BEFORE UPDATE OR DELETE ON document_step
  FOR EACH ROW EXECUTE FUNCTION refuse_to_change_issued();

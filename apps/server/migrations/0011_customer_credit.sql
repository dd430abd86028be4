-- What invoices below zero leave over in a tenant's favour: money, which the next invoices take before
-- they ask for any. Nothing to do with the credits that calls burn.
CREATE TABLE customer_credit (
  tenant_no integer PRIMARY KEY,
  balance   numeric NOT NULL,           -- in the tenant's currency
  last_no   integer NOT NULL,           -- of its moves
  CONSTRAINT no_more_taken_than_left_over CHECK (balance >= 0)
);

-- Each change of it, in order and without gaps, so that every balance can be worked out again.
CREATE TABLE customer_credit_move (
  tenant_no   integer NOT NULL,
  no          integer NOT NULL,
  kind        text NOT NULL,
  invoice_id  text NOT NULL,
  document_id text NOT NULL,            -- by which it moved: the invoice, or a credit note of it
  amount      numeric NOT NULL,         -- in the tenant's favour; below zero: taken
  PRIMARY KEY (tenant_no, no),
  CONSTRAINT moved_once_by_each_document UNIQUE (tenant_no, document_id, kind),
  CONSTRAINT move_goes_the_way_of_its_kind CHECK (
    kind IN ('left_over', 'given_back') AND amount > 0 OR kind = 'applied' AND amount < 0)
);
CREATE TRIGGER customer_credit_move_stays BEFORE UPDATE OR DELETE ON customer_credit_move
  FOR EACH ROW EXECUTE FUNCTION refuse_to_change_issued();

ALTER TABLE invoice
  ADD COLUMN credit_applied numeric NOT NULL DEFAULT 0,
  ADD CONSTRAINT no_more_applied_than_asked
    CHECK (credit_applied >= 0 AND credit_applied <= greatest(total, 0));
CREATE TRIGGER credit_applied_stays BEFORE UPDATE ON invoice FOR EACH ROW
  WHEN (NEW.credit_applied IS DISTINCT FROM OLD.credit_applied)
  EXECUTE FUNCTION refuse_to_change_issued();

-- Those that were open below zero could be collected by nobody. What somebody settled stays as it is.
WITH below AS (
  UPDATE invoice SET status = 'paid', paid_at = issued_at WHERE status = 'open' AND total < 0
  RETURNING tenant_no, invoice_id, period_start, -total AS amount),
moved AS (
  INSERT INTO customer_credit_move (tenant_no, no, kind, invoice_id, document_id, amount)
  SELECT tenant_no, row_number() OVER (PARTITION BY tenant_no ORDER BY period_start), 'left_over',
    invoice_id, invoice_id, amount
  FROM below RETURNING tenant_no, amount)
INSERT INTO customer_credit (tenant_no, balance, last_no)
SELECT tenant_no, sum(amount), count(*) FROM moved GROUP BY tenant_no;

-- What operators and payment providers do to what was issued.

-- Asked for again under the same key, a credit note is the one that is there.
ALTER TABLE credit_note
  ADD COLUMN idempotency_key text,
  ADD CONSTRAINT one_credit_note_for_each_key UNIQUE (tenant_no, idempotency_key);

-- What the provider was asked for, so that it is asked the same however often it is asked, and so that
-- what it tells can be compared. Null: it was not asked.
ALTER TABLE invoice ADD COLUMN payment_amount numeric;

-- The lists of all tenants are read newest first, a page from where the last one ended.
DROP INDEX invoice_by_issue;
CREATE INDEX invoice_by_issue ON invoice (issued_at, tenant_no, period_start);
CREATE INDEX invoice_open_by_issue ON invoice (issued_at, tenant_no, period_start)
  WHERE status = 'open';

-- Those that no provider sends again are deleted.
CREATE INDEX payment_event_by_time ON payment_event (received_at);

-- What tenants are billed. Everything of the first half is a fold of the logs and can be made again;
-- the second half is what was issued, which never changes.

-- The time that a tenant lives in is in its account. Here, so that what operators earn leaves it out.
ALTER TABLE tenant ADD COLUMN has_test_clock boolean NOT NULL DEFAULT false;

-- Lines that are no calls are few, and are looked for by what they are: changes, voids, credits.
CREATE INDEX entry_besides_calls ON entry (tenant_no, seq) WHERE kind NOT IN (3, 4);

-- How far the log is folded, and from when on no invoice is issued.
CREATE TABLE billing_position (
  tenant_no  integer PRIMARY KEY,
  folded_seq bigint NOT NULL,
  open_from  timestamptz NOT NULL,
  due_at     timestamptz              -- when to look again for an invoice to issue; null: never
);
CREATE INDEX billing_position_by_due ON billing_position (due_at) WHERE due_at IS NOT NULL;

-- What was measured, by the period in which it happened, the plan that held then, and what a price
-- may depend on. '' where a call has no region or feature.
CREATE TABLE billed_usage (
  tenant_no       integer NOT NULL,
  period_start    timestamptz NOT NULL,
  plan_version_no integer NOT NULL,
  trial           boolean NOT NULL,
  meter           text NOT NULL,
  region          text NOT NULL,
  feature         text NOT NULL,
  quantity        numeric NOT NULL,
  last_at         timestamptz,         -- of a meter that takes the last value
  first_seq       bigint NOT NULL,
  last_seq        bigint NOT NULL,
  entries         bigint NOT NULL,
  PRIMARY KEY (tenant_no, period_start, plan_version_no, trial, meter, region, feature)
);

-- Of meters that count different values, those that were seen.
CREATE TABLE billed_value (
  tenant_no       integer NOT NULL,
  period_start    timestamptz NOT NULL,
  plan_version_no integer NOT NULL,
  trial           boolean NOT NULL,
  meter           text NOT NULL,
  region          text NOT NULL,
  feature         text NOT NULL,
  value_hash      bytea NOT NULL,
  PRIMARY KEY (tenant_no, period_start, plan_version_no, trial, meter, region, feature, value_hash)
);

-- Lines that changed what a period costs after its invoice was issued.
CREATE TABLE late_entry (
  tenant_no    integer NOT NULL,
  seq          bigint NOT NULL,
  period_start timestamptz NOT NULL,
  settled_by   text,                    -- the invoice or credit note that made up for it; null: none yet
  PRIMARY KEY (tenant_no, seq)
);
CREATE INDEX late_entry_open ON late_entry (tenant_no, period_start) WHERE settled_by IS NULL;

-- Who is billed, and how. What is null is as the tenant or its plan has it.
CREATE TABLE billing_profile (
  tenant_no          integer PRIMARY KEY,
  legal_name         text,
  address            json NOT NULL DEFAULT '[]',
  email              text,
  tax_id             text,
  tax_rate           text,              -- percent
  currency           text,
  minimum_commitment text,
  late_usage         text NOT NULL DEFAULT 'next_invoice',
  customer_reference text,              -- as the payment provider knows the tenant
  CONSTRAINT late_usage_is_known CHECK (late_usage IN ('next_invoice', 'credit_note'))
);

-- Off so much for so many invoices. An invoice takes from it in the transaction that issues it.
CREATE TABLE discount (
  tenant_no     integer NOT NULL,
  discount_id   text NOT NULL,
  description   text NOT NULL,
  kind          text NOT NULL,
  value         text NOT NULL,           -- percent, or an amount
  periods_left  integer,                 -- null: for ever
  created_at    timestamptz NOT NULL,
  ended_at      timestamptz,
  PRIMARY KEY (tenant_no, discount_id),
  CONSTRAINT discount_kind_is_known CHECK (kind IN ('percentage', 'amount')),
  CONSTRAINT discount_never_taken_too_often CHECK (periods_left IS NULL OR periods_left >= 0)
);

-- Numbers without gaps: taken in the transaction that issues, so none is taken in vain.
CREATE TABLE document_number (
  series  text PRIMARY KEY,
  last_no bigint NOT NULL
);

CREATE TABLE invoice (
  tenant_no    integer NOT NULL,
  invoice_id   text NOT NULL,
  number       text NOT NULL,
  period_start timestamptz NOT NULL,
  period_end   timestamptz NOT NULL,
  issued_at    timestamptz NOT NULL,
  due_at       timestamptz NOT NULL,
  currency     text NOT NULL,
  total        numeric NOT NULL,
  through_seq  bigint NOT NULL,          -- the log up to this line is on it
  document     json NOT NULL,            -- the invoice as it was issued, and what it is computed from
  status       text NOT NULL,
  credited     numeric NOT NULL DEFAULT 0,
  paid_at      timestamptz,
  payment_reference text,
  PRIMARY KEY (tenant_no, invoice_id),
  CONSTRAINT one_invoice_for_each_period UNIQUE (tenant_no, period_start),
  CONSTRAINT status_is_known CHECK (status IN ('open', 'paid', 'uncollectible', 'void')),
  CONSTRAINT paid_when_paid CHECK ((status = 'paid') = (paid_at IS NOT NULL)),
  CONSTRAINT no_more_credited_than_asked CHECK (credited >= 0 AND credited <= greatest(total, 0))
);
CREATE INDEX invoice_by_number ON invoice (number);
CREATE INDEX invoice_by_issue ON invoice (issued_at);

CREATE TABLE credit_note (
  tenant_no      integer NOT NULL,
  credit_note_id text NOT NULL,
  number         text NOT NULL,
  invoice_id     text NOT NULL,
  issued_at      timestamptz NOT NULL,
  total          numeric NOT NULL,
  through_seq    bigint,                 -- of one that makes up for late lines; null: by hand
  document       json NOT NULL,
  PRIMARY KEY (tenant_no, credit_note_id),
  FOREIGN KEY (tenant_no, invoice_id) REFERENCES invoice
);
CREATE INDEX credit_note_by_invoice ON credit_note (tenant_no, invoice_id);

-- What a payment provider told, each once.
CREATE TABLE payment_event (
  provider    text NOT NULL,
  event_id    text NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (provider, event_id)
);

-- What was issued stays as it was issued, whatever this program does.
CREATE FUNCTION refuse_to_change_issued() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what was issued does not change';
END $$;
CREATE TRIGGER invoice_stays_as_issued BEFORE UPDATE ON invoice FOR EACH ROW
  WHEN (
    (NEW.tenant_no, NEW.invoice_id, NEW.number, NEW.period_start, NEW.period_end, NEW.issued_at,
      NEW.currency, NEW.total, NEW.through_seq, NEW.document::text)
    IS DISTINCT FROM
    (OLD.tenant_no, OLD.invoice_id, OLD.number, OLD.period_start, OLD.period_end, OLD.issued_at,
      OLD.currency, OLD.total, OLD.through_seq, OLD.document::text))
  EXECUTE FUNCTION refuse_to_change_issued();
CREATE TRIGGER invoice_is_not_deleted BEFORE DELETE ON invoice
  FOR EACH ROW EXECUTE FUNCTION refuse_to_change_issued();
CREATE TRIGGER credit_note_stays_as_issued BEFORE UPDATE OR DELETE ON credit_note
  FOR EACH ROW EXECUTE FUNCTION refuse_to_change_issued();

-- Exports say of each call whether it was taken back, a page at a time. Voids are few, and calls are
-- not in this index.
CREATE INDEX void_by_voided_line ON entry (tenant_no, ((detail ->> 'voided_seq')::bigint))
  WHERE kind = 11;

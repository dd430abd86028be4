-- When a tenant wants to be told. That it was is a line of its log, so that streams tell it in order and
-- once; what such a line is for, and how far the log was looked at, stands here.
CREATE TABLE alert_rule (
  tenant_no      integer NOT NULL,
  alert_id       text NOT NULL,
  type           text NOT NULL,
  threshold      numeric NOT NULL,
  window_minutes integer,                  -- of an error rate
  enabled        boolean NOT NULL,
  notify_email   boolean NOT NULL,
  created_at     timestamptz NOT NULL,
  checked_seq    bigint NOT NULL DEFAULT 0,
  checked_at     timestamptz NOT NULL DEFAULT '-infinity',
  raised_for     text,                     -- the period, day or line before for which it was raised last,
  raised_seq     bigint,                   -- by which line,
  raised_at      timestamptz,              -- and when, by the tenant's time
  PRIMARY KEY (tenant_no, alert_id)
);

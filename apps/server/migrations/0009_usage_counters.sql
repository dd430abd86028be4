-- What GET /api/usage/metrics counts: all that ever happened, so that it only grows. It is not what the
-- rollups by hour add up to: a void takes a call out of those, and old ones are deleted.

-- Calls by what they were, for life. Rows are in the order in which the log had them first; those beyond
-- USAGE_COUNTERS_MAX of a tenant are counted together.
CREATE TABLE usage_counter (
  tenant_no     integer NOT NULL,
  generation    smallint NOT NULL,
  service       text NOT NULL,
  file_type     text NOT NULL,            -- '': none
  output_format text NOT NULL,            -- '': none
  status        text NOT NULL,
  calls         bigint NOT NULL,
  PRIMARY KEY (tenant_no, generation, service, file_type, output_format, status)
) WITH (fillfactor = 80);

-- How many calls took no longer than le_ms and longer than the next smaller one, and how long together.
CREATE TABLE usage_latency (
  tenant_no  integer NOT NULL,
  generation smallint NOT NULL,
  le_ms      bigint NOT NULL,             -- the largest bigint: without a bound
  calls      bigint NOT NULL,
  ms         numeric NOT NULL,
  PRIMARY KEY (tenant_no, generation, le_ms)
) WITH (fillfactor = 80);

-- Of what was folded already nothing is counted: it is folded once more, beside what readers use.
INSERT INTO usage_position (tenant_no, generation, live, time_zone, hour_zone, folded_seq, folded_at)
SELECT tenant_no, generation + 1, false, time_zone, hour_zone, 0, '-infinity'
FROM usage_position WHERE live ON CONFLICT DO NOTHING;

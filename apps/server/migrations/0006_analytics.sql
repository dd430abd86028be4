-- What the Usage API reads: rollups of the log by hour. Everything here is a fold of the logs and can
-- be made again. Sums are numeric, since one tenant's nonsense must not stop the fold of all.

-- How far a log is folded. While rollups are made again there are two for a tenant: readers use the
-- one that is live, the folder brings both up, and the newer takes over when it is as far.
CREATE TABLE usage_position (
  tenant_no  integer NOT NULL,
  generation smallint NOT NULL,
  live       boolean NOT NULL,
  time_zone  text NOT NULL,               -- whose days they are
  hour_zone  text NOT NULL,               -- whose hours they are; UTC for all zones with whole hours
  folded_seq bigint NOT NULL,
  folded_at  timestamptz NOT NULL,        -- when that line was recorded: no later line is older
  PRIMARY KEY (tenant_no, generation)
) WITH (fillfactor = 40);
CREATE INDEX usage_position_to_come ON usage_position (tenant_no) WHERE NOT live;

-- Calls by the hour in which they happened and by one of what is known of them; and by the day, where
-- the dimension is 100 more (analytics/dimensions.ts), since whoever asks about a month should not have
-- to read 744 hours.
CREATE TABLE usage_hour (
  tenant_no     integer NOT NULL,
  generation    smallint NOT NULL,
  dimension     smallint NOT NULL,
  hour          timestamptz NOT NULL,     -- or day: where it begins
  value         text NOT NULL,
  calls         bigint NOT NULL,          -- that were not denied, whatever became of them
  failed        bigint NOT NULL,          -- of these
  denied        bigint NOT NULL,
  units         numeric NOT NULL,         -- micro-units that counted
  credits       numeric NOT NULL,         -- micro-credits that were taken
  sized         bigint NOT NULL,          -- calls that told how large a file was
  bytes         numeric NOT NULL,
  timed         bigint NOT NULL,          -- calls that told how long they took
  ms            numeric NOT NULL,
  largest_bytes bigint,                   -- a void does not make it smaller
  last_at       timestamptz,              -- nor this one earlier
  PRIMARY KEY (tenant_no, generation, dimension, hour, value)
) WITH (fillfactor = 80);

-- How many calls took how long, and had files how large: by the hour, and by the day where the metric is
-- 100 more. All buckets in one row, since a line falls into one of hundreds and a row each would cost so much.
CREATE TABLE usage_histogram (
  tenant_no  integer NOT NULL,
  generation smallint NOT NULL,
  metric     smallint NOT NULL,
  hour       timestamptz NOT NULL,
  buckets    smallint[] NOT NULL,         -- floor(ln(value) / ln(1.02)); -1: zero; ascending
  calls      bigint[] NOT NULL,           -- in each of them
  PRIMARY KEY (tenant_no, generation, metric, hour)
) WITH (fillfactor = 80);

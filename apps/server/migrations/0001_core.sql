-- The ledger and what it needs. `tenant_no` leads every key of a tenant's data, so that the same
-- statements run on Citus, sharded by it. Nothing newer than PostgreSQL 15 is used.

CREATE TABLE tenant (
  tenant_no  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id  text NOT NULL,
  name       text NOT NULL,
  email      text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT tenant_id_is_unique UNIQUE (tenant_id)
);

CREATE TABLE service (
  service_no     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name           text NOT NULL,
  trust_reported boolean NOT NULL DEFAULT true,
  created_at     timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT service_name_is_unique UNIQUE (name)
);

-- Only hashes: whoever reads this table cannot call with what it holds.
CREATE TABLE api_key (
  key_no     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key_id     text NOT NULL,
  kind       text NOT NULL,
  key_hash   bytea NOT NULL,
  hint       text NOT NULL,
  tenant_no  integer REFERENCES tenant,
  service_no integer REFERENCES service,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  CONSTRAINT key_id_is_unique UNIQUE (key_id),
  CONSTRAINT key_hash_is_unique UNIQUE (key_hash),
  CONSTRAINT key_belongs_to_its_kind CHECK (
    (kind = 'tenant' AND tenant_no IS NOT NULL AND service_no IS NULL)
    OR (kind = 'service' AND service_no IS NOT NULL AND tenant_no IS NULL)
    OR (kind = 'operator' AND tenant_no IS NULL AND service_no IS NULL)
  )
);
CREATE INDEX api_key_by_tenant ON api_key (tenant_no) WHERE tenant_no IS NOT NULL;

-- A version never changes once written; a tenant stays on its version until it is moved.
CREATE TABLE plan_version (
  plan_version_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan            text NOT NULL,
  version         integer NOT NULL,
  terms           json NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT plan_version_is_unique UNIQUE (plan, version)
);

CREATE TABLE catalog_rules (
  version    integer PRIMARY KEY,
  rules      json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- The small current state of a tenant, a fold of its log. Half-filled pages and no index on what
-- changes keep every update within its page, without touching the index.
CREATE TABLE account (
  tenant_no integer PRIMARY KEY,
  last_seq  bigint NOT NULL,
  state     json NOT NULL
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

-- Deduplication without a time window. Apart from the log and narrow, because every event pays for
-- it; 8-byte columns first, so that no padding is stored. The key leads its index, not the tenant:
-- keys that grow with time (UUIDs of version 7) then go to one end of it and fill its pages, 35 bytes
-- a key; by tenant they go to the end of each tenant's part and split pages in half, 60 to 70.
CREATE TABLE event_key (
  seq         bigint NOT NULL,
  key         uuid NOT NULL,
  tenant_no   integer NOT NULL,
  fingerprint integer NOT NULL,
  PRIMARY KEY (key, tenant_no)
);

-- The log. One line for everything that changes a tenant's account. `seq` is 1, 2, 3 … per tenant:
-- the account's last_seq makes it so, and the primary key of each partition says it again (the
-- parent cannot, since a partitioned table's keys must contain recorded_at). What nearly every line
-- says is null: it costs nothing then, and there are many lines.
CREATE TABLE entry (
  seq                bigint NOT NULL,
  recorded_at        timestamptz NOT NULL,
  occurred_at        timestamptz,           -- null: the same as recorded_at
  credits            bigint,                -- micro-credits; what the balance changed by; null: 0
  cost               bigint,                -- micro-credits; null: what was taken, or for a call that paid nothing one credit
  remaining          bigint,                -- micro-credits free to spend after this line; null: 0
  used               bigint NOT NULL,       -- micro-units of quota used in the period after this line
  quantity           bigint,                -- micro-units; null: one unit
  file_size_bytes    bigint,
  processing_time_ms bigint,
  token_count        bigint,
  tenant_no          integer NOT NULL,
  key_no             integer,               -- the API key that sent it; null: Tollgate itself
  kind               smallint NOT NULL,     -- ledger/codes.ts
  reason             smallint NOT NULL,     -- 0: allowed; ledger/codes.ts
  counted            boolean NOT NULL,      -- uses quota, credits and money
  overage            boolean NOT NULL,
  failed             boolean NOT NULL,
  service            text,
  endpoint           text,
  method             text,
  region             text,
  feature            text,
  file_type          text,
  output_format      text,
  error_code         text,
  properties         json,
  detail             json                   -- what a line that is not a call did
) PARTITION BY RANGE (recorded_at);

-- Catches what no monthly partition takes (a clock that is far off), so that nothing is ever refused.
CREATE TABLE entry_default PARTITION OF entry DEFAULT;
ALTER TABLE entry_default ADD PRIMARY KEY (tenant_no, seq);

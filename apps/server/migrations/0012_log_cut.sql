-- Where the log of a tenant begins, since what is past its retention is deleted. Up to `seq` lines of
-- calls, holds and voids are gone or about to be; what was agreed and what credits were given stays in
-- the log. The account at that line is here, so that the lines behind it can be decided again.
CREATE TABLE log_cut (
  tenant_no   integer NOT NULL,
  seq         bigint NOT NULL,
  kept_from   timestamptz NOT NULL,        -- lines that were recorded from here on are all there
  made_at     timestamptz NOT NULL DEFAULT now(),
  state       json NOT NULL,               -- of the account at that line
  keyed_lines bigint NOT NULL,             -- lines up to there that have a key: how many,
  keyed_seqs  numeric NOT NULL,            -- and their numbers added up
  hash        bytea NOT NULL,              -- of all this, of the lines that stay, and of the cut before
  swept       boolean NOT NULL DEFAULT false, -- whether all that goes is gone
  PRIMARY KEY (tenant_no, seq)
);
CREATE INDEX log_cut_to_sweep ON log_cut (tenant_no) WHERE NOT swept;

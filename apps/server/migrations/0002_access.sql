-- People and what lets them in, what keys may do, and the audit log.

-- A person. Somebody who was removed stays as a row, so that what they did keeps its author.
CREATE TABLE member (
  member_no         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  member_id         text NOT NULL,
  tenant_no         integer REFERENCES tenant,  -- null: of the operator
  email             text NOT NULL,              -- in lower case
  name              text NOT NULL,
  role              text NOT NULL,
  password_hash     text NOT NULL,              -- Argon2id, with its parameters and salt
  email_verified_at timestamptz,
  created_at        timestamptz NOT NULL DEFAULT now(),
  removed_at        timestamptz,
  CONSTRAINT member_id_is_unique UNIQUE (member_id),
  CONSTRAINT role_belongs_to_its_side CHECK (
    (tenant_no IS NULL AND role IN ('admin', 'support'))
    OR (tenant_no IS NOT NULL AND role IN ('owner', 'developer', 'finance', 'viewer'))
  ),
  CONSTRAINT email_is_in_lower_case CHECK (email = lower(email))
);
-- An e-mail address alone says who signs in, so it belongs to one person of one tenant.
CREATE UNIQUE INDEX member_email_is_unique ON member (email) WHERE removed_at IS NULL;
CREATE INDEX member_by_tenant ON member (tenant_no, member_no);

-- Open until it is accepted, withdrawn or expired.
CREATE TABLE invitation (
  invitation_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  invitation_id text NOT NULL,
  tenant_no     integer REFERENCES tenant,      -- null: of the operator
  email         text NOT NULL,                  -- in lower case
  role          text NOT NULL,
  token_hash    bytea,                          -- null: the e-mail was not sent yet
  created_at    timestamptz NOT NULL DEFAULT now(),
  expires_at    timestamptz NOT NULL,
  accepted_at   timestamptz,
  withdrawn_at  timestamptz,
  CONSTRAINT invitation_id_is_unique UNIQUE (invitation_id),
  CONSTRAINT invitation_token_is_unique UNIQUE (token_hash),
  CONSTRAINT invited_role_belongs_to_its_side CHECK (
    (tenant_no IS NULL AND role IN ('admin', 'support'))
    OR (tenant_no IS NOT NULL AND role IN ('owner', 'developer', 'finance', 'viewer'))
  )
);
CREATE UNIQUE INDEX open_invitation_is_unique ON invitation (coalesce(tenant_no, 0), email)
  WHERE accepted_at IS NULL AND withdrawn_at IS NULL;

-- A link in an e-mail. Only its hash: whoever reads this table cannot follow it.
CREATE TABLE email_token (
  token_hash bytea PRIMARY KEY,
  purpose    text NOT NULL,
  member_no  integer NOT NULL REFERENCES member,
  email      text NOT NULL,                     -- the address it was sent to
  expires_at timestamptz NOT NULL,
  used_at    timestamptz,
  CONSTRAINT purpose_is_known CHECK (purpose IN ('password_reset', 'email_verification'))
);
CREATE INDEX email_token_by_member ON email_token (member_no);

-- From a sign-in to its sign-out: a family of refresh tokens, of which only the newest is good.
CREATE TABLE session (
  session_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id text NOT NULL,
  member_no  integer NOT NULL REFERENCES member,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  ended_at   timestamptz,
  end_reason text,
  CONSTRAINT session_id_is_unique UNIQUE (session_id),
  CONSTRAINT ended_for_a_reason CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX session_by_member ON session (member_no);

-- Used ones stay until their session is deleted, since to see one again means that it was stolen.
CREATE TABLE refresh_token (
  token_hash bytea PRIMARY KEY,
  session_no integer NOT NULL REFERENCES session ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  used_at    timestamptz
);
CREATE INDEX refresh_token_by_session ON refresh_token (session_no);

-- The newest signs. A retired one still verifies what it signed, until that has expired.
CREATE TABLE signing_key (
  key_id      text PRIMARY KEY,
  public_jwk  json NOT NULL,
  private_jwk json NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  retired_at  timestamptz
);
CREATE UNIQUE INDEX one_key_signs ON signing_key ((true)) WHERE retired_at IS NULL;

-- What a tenant's key may do, and how it is known. Its secret can be replaced: the one before stays
-- good for a while, and the key keeps its id, its limit and its history.
ALTER TABLE api_key
  ADD COLUMN name           text,
  ADD COLUMN team           text,
  ADD COLUMN scopes         text[] NOT NULL DEFAULT '{track,read}',
  ADD COLUMN expires_at     timestamptz,
  ADD COLUMN last_used_at   timestamptz,
  ADD COLUMN old_key_hash   bytea,
  ADD COLUMN old_key_until  timestamptz,
  ADD CONSTRAINT old_key_hash_is_unique UNIQUE (old_key_hash),
  ADD CONSTRAINT old_key_ends CHECK ((old_key_hash IS NULL) = (old_key_until IS NULL)),
  ADD CONSTRAINT scopes_are_known CHECK (scopes <@ '{track,read,admin}' AND scopes <> '{}');

-- A key's number, or below zero a member's; null: Tollgate itself.
ALTER TABLE entry RENAME COLUMN key_no TO sender_no;

-- Who changed what. One chain for each tenant, and number 0 for what is the operator's alone. Each
-- line's hash covers the line and the hash before it, so a line cannot be changed, taken out or put
-- in without changing all that follow.
CREATE TABLE audit (
  audit_no    bigint GENERATED ALWAYS AS IDENTITY,
  tenant_no   integer NOT NULL,
  seq         bigint NOT NULL,
  recorded_at timestamptz NOT NULL,
  actor_kind  text NOT NULL,
  actor_id    text,
  action      text NOT NULL,
  object_kind text NOT NULL,
  object_id   text,
  address     text,
  request_id  text,
  before      json,
  after       json,
  log_seq     bigint,                           -- the line of the tenant's log that it is about
  hash        bytea NOT NULL,
  PRIMARY KEY (tenant_no, seq)
);
CREATE INDEX audit_in_order ON audit (audit_no);
CREATE INDEX audit_by_actor ON audit (actor_id, audit_no);
CREATE INDEX audit_by_object ON audit (object_id, audit_no);
CREATE INDEX audit_by_action ON audit (action, audit_no);
-- A change that went through the log is told once, however often its request is repeated.
CREATE UNIQUE INDEX audit_of_line_is_unique ON audit (tenant_no, log_seq) WHERE log_seq IS NOT NULL;

CREATE TABLE audit_head (
  tenant_no integer PRIMARY KEY,
  last_seq  bigint NOT NULL,
  last_hash bytea NOT NULL
);

CREATE FUNCTION refuse_to_change_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only';
END $$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_audit();
CREATE TRIGGER audit_head_stays BEFORE DELETE OR TRUNCATE ON audit_head
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_audit();
-- A head is locked by setting it to what it is.
CREATE TRIGGER audit_head_moves_on BEFORE UPDATE ON audit_head FOR EACH ROW
  WHEN (NEW.tenant_no <> OLD.tenant_no OR (
    NEW.last_seq <> OLD.last_seq + 1
    AND (NEW.last_seq <> OLD.last_seq OR NEW.last_hash <> OLD.last_hash)))
  EXECUTE FUNCTION refuse_to_change_audit();

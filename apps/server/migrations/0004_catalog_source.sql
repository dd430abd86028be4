-- Which catalog files are in force already, so that a start with a file that was loaded before does
-- not undo what was changed over the API or by a command since. Hashes: SHA-256 of the file's bytes.
CREATE TABLE catalog_source (
  is_only_row  boolean PRIMARY KEY DEFAULT true,
  started_hash bytea,                           -- null: no node has started with a file yet
  applied_hash bytea,                           -- since then, by a command; null: none
  CONSTRAINT source_is_one_row CHECK (is_only_row)
);

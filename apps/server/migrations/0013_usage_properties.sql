-- By which of their senders' own properties calls are counted in these rollups: those that the catalog
-- named when they were begun, in order. When it names others, the next ones are begun beside them.
ALTER TABLE usage_position ADD COLUMN properties text[] NOT NULL DEFAULT '{}';

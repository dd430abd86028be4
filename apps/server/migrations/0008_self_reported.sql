-- Who sends with a tenant's own credentials says when its call happened, and must not choose by that
-- under which plan, in which period or trial it is billed: such a line is billed by when it was
-- recorded. Only lines with a time of their own carry this. Null: by when it happened, as all lines
-- that are older than this column were, and stay.
ALTER TABLE entry ADD COLUMN self_reported boolean;

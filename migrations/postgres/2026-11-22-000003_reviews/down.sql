ALTER TABLE procedures DROP CONSTRAINT procedures_kind_check;
ALTER TABLE procedures ADD CONSTRAINT procedures_kind_check CHECK (kind IN ('assessment'));

DROP INDEX one_procedure_at_a_time;
CREATE UNIQUE INDEX one_open_procedure ON procedures (case_id, kind) WHERE is_open;
ALTER TABLE procedures DROP COLUMN excludes_another;
ALTER TABLE procedures ADD CONSTRAINT procedures_kind_check CHECK (kind IN ('assessment', 'review'));

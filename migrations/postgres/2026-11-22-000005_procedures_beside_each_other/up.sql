-- A review whose amendments are being made does not keep the next one from opening. Which kinds there are is the
-- program's to say.
ALTER TABLE procedures DROP CONSTRAINT procedures_kind_check;
ALTER TABLE procedures ADD COLUMN excludes_another BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE procedures SET excludes_another = TRUE WHERE is_open AND state NOT IN ('amending', 'amendment_proposed');
DROP INDEX one_open_procedure;
CREATE UNIQUE INDEX one_procedure_at_a_time ON procedures (case_id, kind) WHERE excludes_another;

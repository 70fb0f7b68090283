DROP INDEX procedures_by_case;
CREATE INDEX procedures_by_case ON procedures (case_id);
DROP INDEX open_procedures_by_state;
DROP INDEX clocks_owed;
ALTER TABLE clocks ALTER COLUMN bound TYPE TEXT;
ALTER TABLE clocks DROP CONSTRAINT clocks_pkey;
ALTER TABLE clocks ADD CONSTRAINT clocks_pkey PRIMARY KEY (clock_id, segment);
CREATE INDEX clocks_by_kind ON clocks (la_code, kind, due_on, clock_id);
CREATE INDEX clocks_by_procedure ON clocks (procedure_id);

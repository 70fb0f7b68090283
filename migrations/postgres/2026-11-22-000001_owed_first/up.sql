-- What is still owed is found without walking what has been done, and the procedures of a page's cases
-- without walking the authority's. The clocks of a procedure lie together, whatever their ids.
ALTER TABLE clocks ALTER COLUMN bound TYPE TEXT COLLATE "C";
DROP INDEX clocks_by_kind;
DROP INDEX clocks_by_procedure;
ALTER TABLE clocks DROP CONSTRAINT clocks_pkey;
ALTER TABLE clocks ADD CONSTRAINT clocks_pkey PRIMARY KEY (procedure_id, clock_id, segment);
CREATE INDEX clocks_owed ON clocks (la_code, bound, stopped_on, due_on, clock_id);
CREATE INDEX open_procedures_by_state ON procedures (la_code, state, case_id) WHERE is_open;
DROP INDEX procedures_by_case;
CREATE INDEX procedures_by_case ON procedures (la_code, case_id);

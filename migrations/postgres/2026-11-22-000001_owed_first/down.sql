DROP INDEX procedures_by_case;
CREATE INDEX procedures_by_case ON procedures (case_id);
DROP INDEX flags_up;
DROP INDEX open_procedures_by_state;
DROP INDEX clocks_owed;
CREATE INDEX clocks_by_kind ON clocks (la_code, kind, due_on, clock_id);

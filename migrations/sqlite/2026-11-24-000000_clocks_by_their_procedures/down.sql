CREATE INDEX clocks_by_case ON clocks (la_code, case_id, due_on, clock_id);

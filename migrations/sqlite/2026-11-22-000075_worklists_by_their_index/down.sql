DROP INDEX clocks_by_due_date;
CREATE INDEX clocks_by_due_date ON clocks (la_code, due_on, clock_id);

-- Whether a clock is met, late or cancelled is seen in the index: a page reads the rows that it shows, and not those
-- between them, of which there are more the later the page.
DROP INDEX clocks_by_due_date;
CREATE INDEX clocks_by_due_date ON clocks (la_code, due_on, clock_id, effective_from_on, effective_until_on, satisfied_on, cancelled_on, bound);

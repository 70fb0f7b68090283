-- The reviews of an officer or a school are looked up child by child; the index answers that without the rows, which
-- lie all over the table.
DROP INDEX reviews_due_of_case;
CREATE INDEX reviews_due_of_case ON clocks (case_id, due_on, clock_id, procedure_id) WHERE kind = 'review_due' AND stopped_on = '9999-12-31';

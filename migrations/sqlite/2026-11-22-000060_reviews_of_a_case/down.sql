DROP INDEX reviews_due_of_case;
CREATE INDEX reviews_due_of_case ON clocks (case_id, due_on, clock_id) WHERE kind = 'review_due' AND stopped_on = '9999-12-31';

DROP INDEX requests_by_day;
DROP INDEX requests_by_state;
DROP INDEX requests_by_organisation;
UPDATE advice_requests SET due_on = requested_on WHERE due_on IS NULL;
ALTER TABLE advice_requests DROP COLUMN needed_by_on;
ALTER TABLE advice_requests ALTER COLUMN due_on SET NOT NULL;
CREATE INDEX requests_by_due_date ON advice_requests (la_code, due_on, id);
CREATE INDEX requests_by_state ON advice_requests (la_code, state, due_on, id);
CREATE INDEX requests_by_organisation ON advice_requests (la_code, organisation_id, due_on, id);

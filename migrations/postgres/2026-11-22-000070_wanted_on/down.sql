DROP INDEX requests_by_day;
DROP INDEX requests_by_state;
DROP INDEX requests_by_organisation;
ALTER TABLE advice_requests DROP COLUMN wanted_on;
CREATE INDEX requests_by_day ON advice_requests (la_code, coalesce(due_on, needed_by_on, '9999-12-31'), id);
CREATE INDEX requests_by_state ON advice_requests (la_code, state, coalesce(due_on, needed_by_on, '9999-12-31'), id);
CREATE INDEX requests_by_organisation ON advice_requests (la_code, organisation_id, coalesce(due_on, needed_by_on, '9999-12-31'), id);

-- The day that stands in the order of lists: when a request is due or, without a time limit of its own, needed.
ALTER TABLE advice_requests ADD COLUMN wanted_on DATE
    GENERATED ALWAYS AS (coalesce(due_on, needed_by_on, DATE '9999-12-31')) STORED;
DROP INDEX requests_by_day;
DROP INDEX requests_by_state;
DROP INDEX requests_by_organisation;
CREATE INDEX requests_by_day ON advice_requests (la_code, wanted_on, id);
CREATE INDEX requests_by_state ON advice_requests (la_code, state, wanted_on, id);
CREATE INDEX requests_by_organisation ON advice_requests (la_code, organisation_id, wanted_on, id);

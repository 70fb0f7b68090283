-- Which reviews fall due next is found among what runs, however many years of reviews lie behind it; and those of
-- a school or an officer by their children.
CREATE INDEX reviews_due ON clocks (la_code, kind, due_on, clock_id) WHERE kind = 'review_due' AND stopped_on = '9999-12-31';
CREATE INDEX reviews_due_of_case ON clocks (case_id, due_on, clock_id) WHERE kind = 'review_due' AND stopped_on = '9999-12-31';
ALTER TABLE cases ADD COLUMN setting_organisation_id TEXT COLLATE "C";
UPDATE cases SET setting_organisation_id = setting::json ->> 'organisation_id' WHERE setting IS NOT NULL;
CREATE INDEX cases_by_setting ON cases (la_code, setting_organisation_id) WHERE setting_organisation_id IS NOT NULL;

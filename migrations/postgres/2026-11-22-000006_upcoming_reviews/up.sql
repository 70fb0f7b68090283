-- Which reviews fall due next is found among what runs, however many years of reviews lie behind it; and those of
-- a school by its children.
CREATE INDEX clocks_running_by_kind ON clocks (la_code, kind, due_on, clock_id) WHERE stopped_on = '9999-12-31';
ALTER TABLE cases ADD COLUMN setting_organisation_id TEXT COLLATE "C";
UPDATE cases SET setting_organisation_id = setting::json ->> 'organisation_id' WHERE setting IS NOT NULL;
CREATE INDEX cases_by_setting ON cases (la_code, setting_organisation_id) WHERE setting_organisation_id IS NOT NULL;

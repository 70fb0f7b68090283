DROP INDEX cases_by_setting;
ALTER TABLE cases DROP COLUMN setting_organisation_id;
DROP INDEX reviews_due_of_case;
DROP INDEX reviews_due;

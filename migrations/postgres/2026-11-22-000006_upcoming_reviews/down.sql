DROP INDEX cases_by_setting;
ALTER TABLE cases DROP COLUMN setting_organisation_id;
DROP INDEX clocks_running_by_kind;

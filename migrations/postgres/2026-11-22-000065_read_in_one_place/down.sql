ALTER TABLE clocks DROP COLUMN rule_place;

ALTER TABLE procedures DROP COLUMN rests_from_on;
DROP INDEX phase_transfers_of_case;
DROP INDEX clocks_of_officer;
ALTER TABLE clocks DROP COLUMN caseworker;

ALTER TABLE people DROP COLUMN young_person_allows_from_on;
DROP TABLE case_grants;
DROP TABLE case_seals;

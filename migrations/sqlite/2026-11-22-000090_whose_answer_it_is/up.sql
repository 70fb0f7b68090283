-- Of which cases a kept answer tells, so that it is not given again to somebody for whom one of them no longer exists.
ALTER TABLE idempotency_keys ADD COLUMN case_ids TEXT;

-- An opening ends with its seal. Until now those of an earlier seal held under the next one too.
UPDATE case_grants SET until_at = (SELECT case_seals.sealed_at FROM case_seals WHERE case_seals.case_id = case_grants.case_id)
WHERE EXISTS (SELECT 1 FROM case_seals WHERE case_seals.case_id = case_grants.case_id
    AND case_seals.sealed_at > case_grants.granted_at AND case_seals.sealed_at < case_grants.until_at);

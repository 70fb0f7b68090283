CREATE TABLE audit_chain_renewed (
    la_code TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    entry_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (la_code, sequence)
);
INSERT INTO audit_chain_renewed SELECT la_code, sequence, entry_id, hash FROM audit_chain ORDER BY la_code, sequence;
DROP TRIGGER audit_chain_is_kept;
DROP TRIGGER audit_chain_stands;
DROP TABLE audit_chain;
ALTER TABLE audit_chain_renewed RENAME TO audit_chain;
CREATE UNIQUE INDEX audit_chain_by_entry ON audit_chain (la_code, entry_id);
CREATE TRIGGER audit_chain_is_kept BEFORE DELETE ON audit_chain
    BEGIN SELECT RAISE(ABORT, 'the trail is only added to'); END;
CREATE TRIGGER audit_chain_stands BEFORE UPDATE ON audit_chain
    BEGIN SELECT RAISE(ABORT, 'the trail is only added to'); END;

DROP INDEX requests_by_day;
DROP INDEX requests_by_state;
DROP INDEX requests_by_organisation;
CREATE INDEX requests_by_day ON advice_requests (la_code, coalesce(due_on, needed_by_on, '9999-12-31'), id);
CREATE INDEX requests_by_state ON advice_requests (la_code, state, coalesce(due_on, needed_by_on, '9999-12-31'), id);
CREATE INDEX requests_by_organisation ON advice_requests (la_code, organisation_id, coalesce(due_on, needed_by_on, '9999-12-31'), id);
ALTER TABLE advice_requests DROP COLUMN wanted_on;

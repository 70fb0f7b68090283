-- The day that stands in the order of lists: when a request is due or, without a time limit of its own, needed. A
-- column, since an index is entered at a place of two only where both are columns, and far pages were walked to.
ALTER TABLE advice_requests ADD COLUMN wanted_on DATE
    GENERATED ALWAYS AS (coalesce(due_on, needed_by_on, '9999-12-31')) VIRTUAL;
DROP INDEX requests_by_day;
DROP INDEX requests_by_state;
DROP INDEX requests_by_organisation;
CREATE INDEX requests_by_day ON advice_requests (la_code, wanted_on, id);
CREATE INDEX requests_by_state ON advice_requests (la_code, state, wanted_on, id);
CREATE INDEX requests_by_organisation ON advice_requests (la_code, organisation_id, wanted_on, id);

-- The places of the chain lie in their order, and are written to one tree less.
CREATE TABLE audit_chain_renewed (
    la_code TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    entry_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (la_code, sequence)
) WITHOUT ROWID;
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

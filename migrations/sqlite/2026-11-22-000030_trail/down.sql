DROP TABLE audit_chain_heads;
DROP TABLE audit_chain;
DROP TABLE audit_unchained;
DROP TABLE audit_shown;
CREATE TABLE audit_entries_before (
    id TEXT NOT NULL PRIMARY KEY,
    la_code TEXT NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    subject TEXT NOT NULL,
    action TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    case_id TEXT,
    version BIGINT,
    trace_id TEXT NOT NULL
);
INSERT INTO audit_entries_before
    SELECT id, la_code, recorded_at, subject, action, resource_id, case_id, version, trace_id FROM audit_entries
    WHERE kind = 'change' AND outcome = 'done';
DROP TRIGGER audit_entries_are_kept;
DROP TRIGGER audit_entries_stand;
DROP TABLE audit_entries;
ALTER TABLE audit_entries_before RENAME TO audit_entries;
CREATE INDEX audit_by_case ON audit_entries (la_code, case_id, id);

-- Readings join the changes, in the order of their time within each authority.
CREATE TABLE audit_entries_anew (
    id TEXT NOT NULL,
    la_code TEXT NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    subject TEXT NOT NULL,
    action TEXT NOT NULL,
    resource_id TEXT,
    case_id TEXT,
    version BIGINT,
    trace_id TEXT NOT NULL,
    kind TEXT DEFAULT 'change' NOT NULL CHECK (kind IN ('change', 'reading')),
    roles TEXT DEFAULT '' NOT NULL,
    client_id TEXT,
    organisation_id TEXT,
    shown_case_ids TEXT,
    reason TEXT,
    reason_sha256 TEXT,
    client_address TEXT,
    outcome TEXT DEFAULT 'done' NOT NULL,
    PRIMARY KEY (la_code, id)
);
INSERT INTO audit_entries_anew (id, la_code, recorded_at, subject, action, resource_id, case_id, version, trace_id)
    SELECT id, la_code, recorded_at, subject, action, resource_id, case_id, version, trace_id FROM audit_entries;
DROP TABLE audit_entries;
ALTER TABLE audit_entries_anew RENAME TO audit_entries;
CREATE INDEX audit_by_case ON audit_entries (la_code, case_id, id) WHERE case_id IS NOT NULL;
CREATE INDEX audit_by_subject ON audit_entries (la_code, subject, id);

-- In which minutes a case was on a list: the lists of those minutes are looked through for it.
CREATE TABLE audit_shown (
    la_code TEXT NOT NULL,
    case_id TEXT NOT NULL,
    minute_at TIMESTAMP NOT NULL,
    PRIMARY KEY (la_code, case_id, minute_at)
) WITHOUT ROWID;

-- What has no place in the chain yet.
CREATE TABLE audit_unchained (
    la_code TEXT NOT NULL,
    entry_id TEXT NOT NULL,
    PRIMARY KEY (la_code, entry_id)
) WITHOUT ROWID;
INSERT INTO audit_unchained (la_code, entry_id) SELECT la_code, id FROM audit_entries;

CREATE TABLE audit_chain (
    la_code TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    entry_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (la_code, sequence)
);
CREATE UNIQUE INDEX audit_chain_by_entry ON audit_chain (la_code, entry_id);

CREATE TABLE audit_chain_heads (
    la_code TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL,
    hash TEXT NOT NULL,
    sealed_at TIMESTAMP NOT NULL
);

CREATE TRIGGER audit_entries_are_kept BEFORE DELETE ON audit_entries
    BEGIN SELECT RAISE(ABORT, 'the trail is only added to'); END;
CREATE TRIGGER audit_entries_stand BEFORE UPDATE ON audit_entries
    WHEN NEW.reason IS NOT NULL OR NEW.id IS NOT OLD.id OR NEW.la_code IS NOT OLD.la_code
        OR NEW.recorded_at IS NOT OLD.recorded_at OR NEW.subject IS NOT OLD.subject OR NEW.action IS NOT OLD.action
        OR NEW.resource_id IS NOT OLD.resource_id OR NEW.case_id IS NOT OLD.case_id
        OR NEW.version IS NOT OLD.version OR NEW.trace_id IS NOT OLD.trace_id OR NEW.kind IS NOT OLD.kind
        OR NEW.roles IS NOT OLD.roles OR NEW.client_id IS NOT OLD.client_id
        OR NEW.organisation_id IS NOT OLD.organisation_id OR NEW.shown_case_ids IS NOT OLD.shown_case_ids
        OR NEW.reason_sha256 IS NOT OLD.reason_sha256 OR NEW.client_address IS NOT OLD.client_address
        OR NEW.outcome IS NOT OLD.outcome
    BEGIN SELECT RAISE(ABORT, 'the trail is only added to'); END;
CREATE TRIGGER audit_chain_is_kept BEFORE DELETE ON audit_chain
    BEGIN SELECT RAISE(ABORT, 'the trail is only added to'); END;
CREATE TRIGGER audit_chain_stands BEFORE UPDATE ON audit_chain
    BEGIN SELECT RAISE(ABORT, 'the trail is only added to'); END;
CREATE TRIGGER audit_chain_heads_are_kept BEFORE DELETE ON audit_chain_heads
    BEGIN SELECT RAISE(ABORT, 'the trail is only added to'); END;
CREATE TRIGGER audit_chain_heads_go_on BEFORE UPDATE ON audit_chain_heads
    WHEN NEW.la_code IS NOT OLD.la_code OR NEW.sequence <= OLD.sequence
    BEGIN SELECT RAISE(ABORT, 'the trail is only added to'); END;

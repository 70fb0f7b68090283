-- Readings join the changes, in the order of their time within each authority.
ALTER TABLE audit_entries ALTER COLUMN resource_id DROP NOT NULL;
ALTER TABLE audit_entries
    ADD COLUMN kind TEXT DEFAULT 'change' NOT NULL CHECK (kind IN ('change', 'reading')),
    ADD COLUMN roles TEXT DEFAULT '' NOT NULL,
    ADD COLUMN client_id TEXT,
    ADD COLUMN organisation_id TEXT,
    ADD COLUMN shown_case_ids TEXT,
    ADD COLUMN reason TEXT,
    ADD COLUMN reason_sha256 TEXT,
    ADD COLUMN client_address TEXT,
    ADD COLUMN outcome TEXT DEFAULT 'done' NOT NULL,
    ALTER COLUMN subject TYPE TEXT COLLATE "C",
    DROP CONSTRAINT audit_entries_pkey,
    ADD PRIMARY KEY (la_code, id);
DROP INDEX audit_by_case;
CREATE INDEX audit_by_case ON audit_entries (la_code, case_id, id) WHERE case_id IS NOT NULL;
CREATE INDEX audit_by_subject ON audit_entries (la_code, subject, id);

-- In which minutes a case was on a list: the lists of those minutes are looked through for it.
CREATE TABLE audit_shown (
    la_code TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL,
    minute_at TIMESTAMP NOT NULL,
    PRIMARY KEY (la_code, case_id, minute_at)
);

-- What has no place in the chain yet.
CREATE TABLE audit_unchained (
    la_code TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (la_code, entry_id)
);
INSERT INTO audit_unchained (la_code, entry_id) SELECT la_code, id FROM audit_entries;

CREATE TABLE audit_chain (
    la_code TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    entry_id TEXT COLLATE "C" NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (la_code, sequence)
);
CREATE UNIQUE INDEX audit_chain_by_entry ON audit_chain (la_code, entry_id);

CREATE TABLE audit_chain_heads (
    la_code TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL,
    hash TEXT NOT NULL,
    sealed_at TIMESTAMP NOT NULL
);

CREATE FUNCTION refuse_to_alter_the_trail() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the trail is only added to'; END $$;
CREATE TRIGGER audit_entries_are_kept BEFORE DELETE OR TRUNCATE ON audit_entries
    EXECUTE FUNCTION refuse_to_alter_the_trail();
CREATE TRIGGER audit_entries_stand BEFORE UPDATE ON audit_entries FOR EACH ROW
    WHEN (NEW.reason IS NOT NULL OR ROW(NEW.id, NEW.la_code, NEW.recorded_at, NEW.subject, NEW.action, NEW.resource_id,
            NEW.case_id, NEW.version, NEW.trace_id, NEW.kind, NEW.roles, NEW.client_id, NEW.organisation_id,
            NEW.shown_case_ids, NEW.reason_sha256, NEW.client_address, NEW.outcome)
        IS DISTINCT FROM ROW(OLD.id, OLD.la_code, OLD.recorded_at, OLD.subject, OLD.action, OLD.resource_id,
            OLD.case_id, OLD.version, OLD.trace_id, OLD.kind, OLD.roles, OLD.client_id, OLD.organisation_id,
            OLD.shown_case_ids, OLD.reason_sha256, OLD.client_address, OLD.outcome))
    EXECUTE FUNCTION refuse_to_alter_the_trail();
CREATE TRIGGER audit_chain_is_kept BEFORE DELETE OR TRUNCATE ON audit_chain
    EXECUTE FUNCTION refuse_to_alter_the_trail();
CREATE TRIGGER audit_chain_stands BEFORE UPDATE ON audit_chain
    EXECUTE FUNCTION refuse_to_alter_the_trail();
CREATE TRIGGER audit_chain_heads_are_kept BEFORE DELETE OR TRUNCATE ON audit_chain_heads
    EXECUTE FUNCTION refuse_to_alter_the_trail();
CREATE TRIGGER audit_chain_heads_go_on BEFORE UPDATE ON audit_chain_heads FOR EACH ROW
    WHEN (NEW.la_code IS DISTINCT FROM OLD.la_code OR NEW.sequence <= OLD.sequence)
    EXECUTE FUNCTION refuse_to_alter_the_trail();

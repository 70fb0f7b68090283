PRAGMA defer_foreign_keys = ON;
CREATE TEMPORARY TABLE procedures_kept AS SELECT * FROM procedures;
DROP TABLE procedures;
CREATE TABLE procedures (
    id TEXT NOT NULL PRIMARY KEY,
    la_code TEXT NOT NULL,
    case_id TEXT NOT NULL REFERENCES cases (id),
    kind TEXT NOT NULL CHECK (kind IN ('assessment', 'review')),
    state TEXT NOT NULL,
    is_open BOOLEAN NOT NULL,
    opened_on DATE NOT NULL,
    version BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
INSERT INTO procedures
    SELECT id, la_code, case_id, kind, state, is_open, opened_on, version, fingerprint, created_at, updated_at
    FROM procedures_kept ORDER BY id;
DROP TABLE procedures_kept;
CREATE UNIQUE INDEX one_open_procedure ON procedures (case_id, kind) WHERE is_open;
CREATE INDEX procedures_by_case ON procedures (la_code, case_id);
CREATE INDEX procedures_by_state ON procedures (la_code, kind, state, id);
CREATE INDEX procedures_in_order ON procedures (la_code, kind, id);
CREATE INDEX open_procedures_by_state ON procedures (la_code, state, case_id) WHERE is_open;

-- A review whose amendments are being made does not keep the next one from opening. Which kinds there are is the
-- program's to say.
PRAGMA defer_foreign_keys = ON;
CREATE TEMPORARY TABLE procedures_kept AS SELECT * FROM procedures;
DROP TABLE procedures;
CREATE TABLE procedures (
    id TEXT NOT NULL PRIMARY KEY,
    la_code TEXT NOT NULL,
    case_id TEXT NOT NULL REFERENCES cases (id),
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    is_open BOOLEAN NOT NULL,
    opened_on DATE NOT NULL,
    version BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    excludes_another BOOLEAN NOT NULL DEFAULT FALSE
);
INSERT INTO procedures
    SELECT *, is_open AND state NOT IN ('amending', 'amendment_proposed') FROM procedures_kept ORDER BY id;
DROP TABLE procedures_kept;
CREATE UNIQUE INDEX one_procedure_at_a_time ON procedures (case_id, kind) WHERE excludes_another;
CREATE INDEX procedures_by_case ON procedures (la_code, case_id);
CREATE INDEX procedures_by_state ON procedures (la_code, kind, state, id);
CREATE INDEX procedures_in_order ON procedures (la_code, kind, id);
CREATE INDEX open_procedures_by_state ON procedures (la_code, state, case_id) WHERE is_open;

CREATE INDEX procedures_by_fingerprint ON procedures (fingerprint, id);
CREATE TABLE flags_renewed (
    id TEXT NOT NULL PRIMARY KEY,
    la_code TEXT NOT NULL,
    case_id TEXT NOT NULL,
    procedure_id TEXT NOT NULL REFERENCES procedures (id),
    code TEXT NOT NULL,
    since_on DATE NOT NULL,
    until_on DATE
);
INSERT INTO flags_renewed SELECT * FROM flags;
DROP TABLE flags;
ALTER TABLE flags_renewed RENAME TO flags;
CREATE INDEX flags_by_code ON flags (la_code, code, procedure_id);
CREATE INDEX flags_by_procedure ON flags (procedure_id);
CREATE TABLE events_renewed (
    id TEXT NOT NULL PRIMARY KEY,
    la_code TEXT NOT NULL,
    procedure_id TEXT NOT NULL REFERENCES procedures (id),
    sequence BIGINT NOT NULL,
    event_type TEXT NOT NULL,
    occurred_on DATE NOT NULL,
    data TEXT NOT NULL,
    note TEXT,
    root_id TEXT NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    recorded_by TEXT NOT NULL
);
INSERT INTO events_renewed SELECT * FROM events;
DROP TABLE events;
ALTER TABLE events_renewed RENAME TO events;
CREATE UNIQUE INDEX one_event_per_sequence ON events (procedure_id, sequence);

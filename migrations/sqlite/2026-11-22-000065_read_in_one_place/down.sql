ALTER TABLE clocks DROP COLUMN rule_place;
CREATE TABLE events_renewed (
    id TEXT NOT NULL,
    la_code TEXT NOT NULL,
    procedure_id TEXT NOT NULL REFERENCES procedures (id),
    sequence BIGINT NOT NULL,
    event_type TEXT NOT NULL,
    occurred_on DATE NOT NULL,
    data TEXT NOT NULL,
    note TEXT,
    root_id TEXT NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    recorded_by TEXT NOT NULL,
    PRIMARY KEY (procedure_id, sequence)
);
INSERT INTO events_renewed SELECT * FROM events ORDER BY procedure_id, sequence;
DROP TABLE events;
ALTER TABLE events_renewed RENAME TO events;

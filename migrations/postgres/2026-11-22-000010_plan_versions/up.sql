-- What a plan says, in versions that are never overwritten.
CREATE TABLE plan_versions (
    la_code TEXT COLLATE "C" NOT NULL,
    plan_id TEXT COLLATE "C" NOT NULL REFERENCES procedures (id),
    number BIGINT NOT NULL,
    sections TEXT NOT NULL,
    note TEXT,
    based_on_version BIGINT,
    made_at TIMESTAMP NOT NULL,
    made_by TEXT NOT NULL,
    PRIMARY KEY (plan_id, number)
);

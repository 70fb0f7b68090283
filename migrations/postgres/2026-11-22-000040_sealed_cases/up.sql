-- Sealed cases, to whom they were opened, and whom a young person allows to see theirs.
CREATE TABLE case_seals (
    case_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES cases (id),
    la_code TEXT COLLATE "C" NOT NULL,
    ground TEXT NOT NULL,
    note TEXT,
    sealed_at TIMESTAMP NOT NULL,
    sealed_by TEXT NOT NULL
);

CREATE TABLE case_grants (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    la_code TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL REFERENCES cases (id),
    grantee TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,
    is_break_glass BOOLEAN NOT NULL,
    granted_at TIMESTAMP NOT NULL,
    granted_by TEXT NOT NULL,
    until_at TIMESTAMP NOT NULL,
    reviewed_at TIMESTAMP,
    reviewed_by TEXT
);

CREATE INDEX case_grants_of_case ON case_grants (case_id, grantee, until_at);

ALTER TABLE people ADD COLUMN young_person_allows_from_on DATE;

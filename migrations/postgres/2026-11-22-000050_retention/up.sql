-- Legal holds, lists of cases to dispose of, and what disposing of a case is done by.
ALTER TABLE cases ADD COLUMN has_been_looked_after BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE cases SET has_been_looked_after = looked_after WHERE looked_after;
-- The oldest cases first, of those that can be due at all.
CREATE INDEX closed_cases ON cases (la_code, date_of_birth, id) WHERE closed_on IS NOT NULL;

-- A case is deleted with all that refers to it. Whether anything still does is asked by the id of the case alone, so
-- that comes first.
DROP INDEX people_by_case;
CREATE INDEX people_by_case ON people (case_id, la_code, id);
DROP INDEX procedures_by_case;
CREATE INDEX procedures_by_case ON procedures (case_id, la_code);
CREATE INDEX requests_by_case ON advice_requests (case_id);

-- Reasons that are of no one case, which may all the same name somebody.
CREATE INDEX audit_reasons ON audit_entries (la_code, id) WHERE reason IS NOT NULL AND case_id IS NULL;

CREATE TABLE legal_holds (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    la_code TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL REFERENCES cases (id),
    reason TEXT NOT NULL,
    placed_at TIMESTAMP NOT NULL,
    placed_by TEXT NOT NULL,
    lifted_at TIMESTAMP,
    lifted_by TEXT
);
CREATE INDEX legal_holds_of_case ON legal_holds (case_id, id);

CREATE TABLE disposal_lists (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    la_code TEXT COLLATE "C" NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('made', 'reviewed', 'carried_out')),
    made_at TIMESTAMP NOT NULL,
    made_by TEXT NOT NULL,
    reviewed_at TIMESTAMP,
    reviewed_by TEXT,
    carried_out_at TIMESTAMP,
    carried_out_by TEXT,
    version BIGINT NOT NULL
);
CREATE INDEX disposal_lists_in_order ON disposal_lists (la_code, id);

-- The cases are not referred to: what is said of them here outlives them.
CREATE TABLE disposal_items (
    list_id TEXT COLLATE "C" NOT NULL REFERENCES disposal_lists (id),
    la_code TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    dispose_after_on DATE,
    rule TEXT NOT NULL,
    decision TEXT CHECK (decision IN ('dispose', 'keep')),
    kept_because TEXT,
    kept_reason TEXT,
    is_pending BOOLEAN NOT NULL,
    disposed_at TIMESTAMP,
    PRIMARY KEY (list_id, case_id)
);
CREATE UNIQUE INDEX one_pending_disposal ON disposal_items (case_id) WHERE is_pending;
CREATE INDEX disposal_items_of_case ON disposal_items (case_id);
CREATE INDEX disposals_in_order ON disposal_items (la_code, disposed_at, case_id) WHERE disposed_at IS NOT NULL;
CREATE INDEX disposals_by_reference ON disposal_items (la_code, reference, disposed_at, case_id) WHERE disposed_at IS NOT NULL;

-- SQLite cannot let a column be null: the table is made again, with the rows that others refer to put back
-- before the transaction ends.
PRAGMA defer_foreign_keys = ON;
CREATE TEMPORARY TABLE requests_kept AS SELECT * FROM advice_requests;
DROP TABLE advice_requests;
CREATE TABLE advice_requests (
    id TEXT NOT NULL PRIMARY KEY,
    la_code TEXT NOT NULL,
    case_id TEXT NOT NULL REFERENCES cases (id),
    procedure_id TEXT NOT NULL REFERENCES procedures (id),
    requirement TEXT NOT NULL CHECK (requirement IN ('parent', 'education', 'medical', 'psychological', 'social_care', 'other', 'preparation_for_adulthood', 'family_requested', 'sensory')),
    service TEXT,
    organisation_id TEXT REFERENCES organisations (id),
    family_story TEXT,
    questions TEXT,
    state TEXT NOT NULL CHECK (state IN ('requested', 'acknowledged', 'submitted', 'returned', 'accepted', 'declined', 'withdrawn')),
    is_live BOOLEAN NOT NULL,
    is_void BOOLEAN NOT NULL,
    requested_on DATE NOT NULL,
    received_on DATE,
    due_on DATE NOT NULL,
    submitted_on DATE,
    accepted_on DATE,
    version BIGINT NOT NULL
);
INSERT INTO advice_requests (id, la_code, case_id, procedure_id, requirement, service, organisation_id, family_story, questions, state, is_live, is_void, requested_on, received_on, due_on, submitted_on, accepted_on, version)
    SELECT id, la_code, case_id, procedure_id, requirement, service, organisation_id, family_story, questions, state, is_live, is_void, requested_on, received_on, coalesce(due_on, requested_on), submitted_on, accepted_on, version FROM requests_kept ORDER BY id;
DROP TABLE requests_kept;
CREATE UNIQUE INDEX one_live_request ON advice_requests (procedure_id, requirement, coalesce(service, ''), coalesce(organisation_id, '')) WHERE is_live;
CREATE INDEX requests_by_due_date ON advice_requests (la_code, due_on, id);
CREATE INDEX requests_by_state ON advice_requests (la_code, state, due_on, id);
CREATE INDEX requests_by_organisation ON advice_requests (la_code, organisation_id, due_on, id);
CREATE INDEX requests_by_procedure ON advice_requests (procedure_id);

-- Events are the truth; `clocks`, `flags` and the derived columns of `procedures` and
-- `advice_requests` are an index that `ehcp rebuild` makes again from them.

CREATE TABLE cases (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    la_code TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    given_name TEXT NOT NULL,
    family_name TEXT NOT NULL,
    given_name_folded TEXT COLLATE "C" NOT NULL,
    family_name_folded TEXT COLLATE "C" NOT NULL,
    date_of_birth DATE NOT NULL,
    sex TEXT,
    ethnicity TEXT,
    upn TEXT COLLATE "C",
    upn_unknown_reason TEXT,
    nhs_number TEXT COLLATE "C",
    uln TEXT COLLATE "C",
    postcode TEXT,
    needs TEXT NOT NULL,
    year_group_override TEXT,
    looked_after BOOLEAN NOT NULL,
    setting TEXT,
    caseworker TEXT COLLATE "C",
    external_refs TEXT NOT NULL,
    closed_on DATE,
    closure_reason TEXT CHECK (closure_reason IN ('died', 'left_england', 'aged_out', 'opened_in_error', 'other')),
    version BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX one_reference ON cases (la_code, reference);
CREATE UNIQUE INDEX one_upn ON cases (la_code, upn) WHERE upn IS NOT NULL;
CREATE UNIQUE INDEX one_nhs_number ON cases (la_code, nhs_number) WHERE nhs_number IS NOT NULL;
CREATE INDEX cases_by_uln ON cases (la_code, uln) WHERE uln IS NOT NULL;
CREATE INDEX cases_by_family_name ON cases (la_code, family_name_folded, id);
CREATE INDEX cases_by_given_name ON cases (la_code, given_name_folded, id);
CREATE INDEX cases_by_caseworker ON cases (la_code, caseworker, id);
CREATE INDEX cases_by_update ON cases (la_code, updated_at, id);
CREATE INDEX cases_in_order ON cases (la_code, id);

-- What the engine uses of a case, as known from an instant on.
CREATE TABLE case_facts (
    case_id TEXT COLLATE "C" NOT NULL REFERENCES cases (id),
    version BIGINT NOT NULL,
    la_code TEXT COLLATE "C" NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (case_id, version)
);

CREATE TABLE case_external_refs (
    la_code TEXT COLLATE "C" NOT NULL,
    system TEXT COLLATE "C" NOT NULL,
    external_id TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL REFERENCES cases (id),
    PRIMARY KEY (la_code, system, external_id, case_id)
);
CREATE INDEX external_refs_by_case ON case_external_refs (case_id);

CREATE TABLE people (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    la_code TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL REFERENCES cases (id),
    name TEXT NOT NULL,
    relationship TEXT NOT NULL,
    parental_responsibility BOOLEAN NOT NULL,
    receives_notices BOOLEAN NOT NULL,
    is_decision_maker_from_on DATE,
    address TEXT,
    address_withheld BOOLEAN NOT NULL,
    language TEXT,
    interpreter BOOLEAN NOT NULL,
    communication_needs TEXT,
    preferred_channel TEXT,
    version BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE INDEX people_by_case ON people (la_code, case_id, id);

CREATE TABLE organisations (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    la_code TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('health', 'social_care', 'educational_psychology', 'school', 'college', 'early_years', 'authority_service', 'other')),
    code TEXT COLLATE "C",
    section_31_body BOOLEAN NOT NULL,
    contact_email TEXT,
    version BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX one_organisation_code ON organisations (la_code, kind, code) WHERE code IS NOT NULL;
CREATE INDEX organisations_in_order ON organisations (la_code, id);

CREATE TABLE settings_versions (
    la_code TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    recorded_by TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (la_code, version)
);

CREATE TABLE procedures (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    la_code TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL REFERENCES cases (id),
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('assessment')),
    state TEXT COLLATE "C" NOT NULL,
    is_open BOOLEAN NOT NULL,
    opened_on DATE NOT NULL,
    version BIGINT NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX one_open_procedure ON procedures (case_id, kind) WHERE is_open;
CREATE INDEX procedures_by_case ON procedures (case_id);
CREATE INDEX procedures_by_state ON procedures (la_code, kind, state, id);
CREATE INDEX procedures_in_order ON procedures (la_code, kind, id);
CREATE INDEX procedures_by_fingerprint ON procedures (fingerprint, id);

CREATE TABLE events (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    la_code TEXT COLLATE "C" NOT NULL,
    procedure_id TEXT COLLATE "C" NOT NULL REFERENCES procedures (id),
    sequence BIGINT NOT NULL,
    event_type TEXT COLLATE "C" NOT NULL,
    occurred_on DATE NOT NULL,
    data TEXT NOT NULL,
    note TEXT,
    root_id TEXT COLLATE "C" NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    recorded_by TEXT NOT NULL
);
CREATE UNIQUE INDEX one_event_per_sequence ON events (procedure_id, sequence);

CREATE TABLE advice_requests (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    la_code TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL REFERENCES cases (id),
    procedure_id TEXT COLLATE "C" NOT NULL REFERENCES procedures (id),
    requirement TEXT COLLATE "C" NOT NULL CHECK (requirement IN ('parent', 'education', 'medical', 'psychological', 'social_care', 'other', 'preparation_for_adulthood', 'family_requested', 'sensory')),
    service TEXT,
    organisation_id TEXT COLLATE "C" REFERENCES organisations (id),
    family_story TEXT,
    questions TEXT,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('requested', 'acknowledged', 'submitted', 'returned', 'accepted', 'declined', 'withdrawn')),
    is_live BOOLEAN NOT NULL,
    is_void BOOLEAN NOT NULL,
    requested_on DATE NOT NULL,
    received_on DATE,
    due_on DATE NOT NULL,
    submitted_on DATE,
    accepted_on DATE,
    version BIGINT NOT NULL
);
CREATE UNIQUE INDEX one_live_request ON advice_requests (procedure_id, requirement, coalesce(service, ''), coalesce(organisation_id, '')) WHERE is_live;
CREATE INDEX requests_by_due_date ON advice_requests (la_code, due_on, id);
CREATE INDEX requests_by_state ON advice_requests (la_code, state, due_on, id);
CREATE INDEX requests_by_organisation ON advice_requests (la_code, organisation_id, due_on, id);
CREATE INDEX requests_by_procedure ON advice_requests (procedure_id);

CREATE TABLE advice_submissions (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    la_code TEXT COLLATE "C" NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL REFERENCES advice_requests (id),
    submitted_on DATE NOT NULL,
    summary TEXT NOT NULL,
    content TEXT,
    authors TEXT NOT NULL,
    unmet_need TEXT,
    recorded_at TIMESTAMP NOT NULL,
    recorded_by TEXT NOT NULL
);
CREATE INDEX submissions_by_request ON advice_submissions (request_id, id);

CREATE TABLE clocks (
    clock_id TEXT COLLATE "C" NOT NULL,
    segment BIGINT NOT NULL,
    la_code TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL,
    procedure_id TEXT COLLATE "C" NOT NULL REFERENCES procedures (id),
    advice_request_id TEXT COLLATE "C",
    organisation_id TEXT COLLATE "C",
    kind TEXT COLLATE "C" NOT NULL,
    bearer TEXT NOT NULL,
    force TEXT NOT NULL CHECK (force IN ('statutory', 'guidance')),
    bound TEXT NOT NULL CHECK (bound IN ('no_later_than', 'no_earlier_than')),
    started_on DATE NOT NULL,
    due_on DATE NOT NULL,
    day_one_due_on DATE NOT NULL,
    satisfied_on DATE,
    cancelled_on DATE,
    excused_from_on DATE,
    stopped_on DATE NOT NULL,
    effective_from_on DATE NOT NULL,
    effective_until_on DATE,
    PRIMARY KEY (clock_id, segment)
);
CREATE INDEX clocks_by_due_date ON clocks (la_code, due_on, clock_id);
CREATE INDEX clocks_by_kind ON clocks (la_code, kind, due_on, clock_id);
CREATE INDEX clocks_by_case ON clocks (la_code, case_id, due_on, clock_id);
CREATE INDEX clocks_by_procedure ON clocks (procedure_id);
CREATE INDEX clocks_by_organisation ON clocks (la_code, organisation_id, due_on, clock_id) WHERE organisation_id IS NOT NULL;

CREATE TABLE flags (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    la_code TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL,
    procedure_id TEXT COLLATE "C" NOT NULL REFERENCES procedures (id),
    code TEXT COLLATE "C" NOT NULL,
    since_on DATE NOT NULL,
    until_on DATE
);
CREATE INDEX flags_by_code ON flags (la_code, code, procedure_id);
CREATE INDEX flags_by_procedure ON flags (procedure_id);

CREATE TABLE audit_entries (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    la_code TEXT COLLATE "C" NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    subject TEXT NOT NULL,
    action TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    case_id TEXT COLLATE "C",
    version BIGINT,
    trace_id TEXT NOT NULL
);
CREATE INDEX audit_by_case ON audit_entries (la_code, case_id, id);

CREATE TABLE idempotency_keys (
    la_code TEXT COLLATE "C" NOT NULL,
    client TEXT COLLATE "C" NOT NULL,
    idempotency_key TEXT COLLATE "C" NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    body_sha256 TEXT NOT NULL,
    status INTEGER NOT NULL,
    headers TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (la_code, client, idempotency_key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

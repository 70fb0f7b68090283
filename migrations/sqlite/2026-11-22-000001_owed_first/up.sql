-- What is still owed is found without walking what has been done, and the procedures of a page's cases
-- without walking the authority's. The clocks of a procedure lie together, whatever their ids.
CREATE TABLE clocks_renewed (
    clock_id TEXT NOT NULL,
    segment BIGINT NOT NULL,
    la_code TEXT NOT NULL,
    case_id TEXT NOT NULL,
    procedure_id TEXT NOT NULL REFERENCES procedures (id),
    advice_request_id TEXT,
    organisation_id TEXT,
    kind TEXT NOT NULL,
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
    PRIMARY KEY (procedure_id, clock_id, segment)
);
INSERT INTO clocks_renewed SELECT * FROM clocks;
DROP TABLE clocks;
ALTER TABLE clocks_renewed RENAME TO clocks;
CREATE INDEX clocks_by_due_date ON clocks (la_code, due_on, clock_id);
CREATE INDEX clocks_owed ON clocks (la_code, bound, stopped_on, due_on, clock_id);
CREATE INDEX clocks_by_case ON clocks (la_code, case_id, due_on, clock_id);
CREATE INDEX clocks_by_organisation ON clocks (la_code, organisation_id, due_on, clock_id) WHERE organisation_id IS NOT NULL;
CREATE INDEX open_procedures_by_state ON procedures (la_code, state, case_id) WHERE is_open;
DROP INDEX procedures_by_case;
CREATE INDEX procedures_by_case ON procedures (la_code, case_id);

-- What an officer has still to see done is found in the order of its days, without asking of every clock of the
-- authority whose it is, or every case of the officer for its clocks.
ALTER TABLE clocks ADD COLUMN caseworker TEXT COLLATE "C";
CREATE INDEX clocks_of_officer ON clocks (la_code, caseworker, bound, stopped_on, due_on, clock_id, kind) WHERE stopped_on = '9999-12-31';

-- By when the plan of a case has to name the next setting is shown with whichever of its reviews is listed.
CREATE INDEX phase_transfers_of_case ON clocks (case_id, due_on, clock_id) WHERE kind = 'phase_transfer_plan';

-- From when on the row of a procedure says all there is to say of it, so that a case is shown without the streams of
-- what lies behind it.
--
-- Both columns are filled, in batches, where the program computes the index again, as it does after this change of it.
ALTER TABLE procedures ADD COLUMN rests_from_on DATE;

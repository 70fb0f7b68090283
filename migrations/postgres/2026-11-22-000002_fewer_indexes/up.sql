-- An event is found by its place in its stream, and a flag in its procedure: no index holds either by its id.
-- Nothing is looked up by fingerprint alone.
ALTER TABLE events DROP CONSTRAINT events_pkey;
DROP INDEX one_event_per_sequence;
ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (procedure_id, sequence);
ALTER TABLE flags DROP CONSTRAINT flags_pkey;
DROP INDEX flags_by_procedure;
ALTER TABLE flags ADD CONSTRAINT flags_pkey PRIMARY KEY (procedure_id, id);
DROP INDEX procedures_by_fingerprint;

CREATE INDEX procedures_by_fingerprint ON procedures (fingerprint, id);
ALTER TABLE flags DROP CONSTRAINT flags_pkey;
ALTER TABLE flags ADD CONSTRAINT flags_pkey PRIMARY KEY (id);
CREATE INDEX flags_by_procedure ON flags (procedure_id);
ALTER TABLE events DROP CONSTRAINT events_pkey;
ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (id);
CREATE UNIQUE INDEX one_event_per_sequence ON events (procedure_id, sequence);

-- A worklist of one kind begins at that kind, however many others fall due before it.
CREATE INDEX clocks_by_kind ON clocks (la_code, kind, due_on, clock_id);

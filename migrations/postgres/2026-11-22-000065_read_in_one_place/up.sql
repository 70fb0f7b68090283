-- Under which rule a clock runs, where its kind has several: until now a list had to compute that.
ALTER TABLE clocks ADD COLUMN rule_place BIGINT;

-- The clocks of a case are found by its procedures. Every clock was in this index too, and a twelfth of what an
-- event writes was for it.
DROP INDEX clocks_by_case;

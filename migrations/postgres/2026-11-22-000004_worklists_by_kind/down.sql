DROP INDEX clocks_by_kind;

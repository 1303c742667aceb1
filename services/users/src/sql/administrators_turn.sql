-- Held until the transaction ends; it takes no transaction id, so it hides no event from readers.
select pg_advisory_xact_lock(hashtextextended('historia users: administrators', 0))

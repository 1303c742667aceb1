-- Whether somebody holds the lock of the statement SCRATCH_LOCK for projection $1.
select exists (
  select from pg_locks
  where locktype = 'advisory' and granted and objsubid = 1
    and database = (select oid from pg_database where datname = current_database())
    and (classid::bigint << 32 | objid::bigint) = hashtextextended('historia.projection.' || $1, 0)
)

-- A stream's next event by a command that takes no keys: what append.sql does, for the append that is alone.
-- Answers with a row if it took effect.
-- Goes on in append_alone.sql.
--
-- $1..$11   as in append_first.sql
-- $12, $13  expected version and hash
with head as (
  update stream set version = version + 1, last_hash = $11
  where stream_id = $2 and version = $12 and last_hash = $13
    and $1::int2 = (select max(number) from epoch)
    and not exists (select from command_done d where d.command_id = $3)
  returning stream_id, version

-- A stream's first event by a command that takes no keys: what append.sql does, for the append that is alone.
-- Answers with a row if it took effect.
-- Goes on in append_alone.sql.
--
-- $1        epoch of the store that computed the hash
-- $2        stream
-- $3..$5    command: id, correlation, digest
-- $6..$11   event: type, schema, at, meta, payload, hash
with head as (
  insert into stream (stream_id, version, last_hash)
  select $2, 1, $11
  where $1::int2 = (select max(number) from epoch)
    and not exists (select from command_done d where d.command_id = $3)
    and not exists (select from stream s where s.stream_id = $2)
  returning stream_id, version

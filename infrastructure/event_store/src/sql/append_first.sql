-- A stream's first event by a command that takes no keys: what append.sql does, for the append that is alone.
-- Answers with a row if it took effect.
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
), done as (
  insert into command_done (command_id, stream_id, version, correlation_id, digest)
  select $3, stream_id, version, $4, $5 from head
), recorded as (
  insert into event (stream_id, version, epoch, type_id, schema_version, at, meta, payload, hash)
  select stream_id, version, $1::int2, $6, $7, $8, $9, $10, $11 from head
)
select 1 from head

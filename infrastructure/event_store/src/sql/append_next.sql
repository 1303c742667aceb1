-- A stream's next event by a command that takes no keys: what append.sql does, for the append that is alone.
-- Answers with a row if it took effect.
--
-- $1..$11   as in append_first.sql
-- $12, $13  expected version and hash
with head as (
  update stream set version = version + 1, last_hash = $11
  where stream_id = $2 and version = $12 and last_hash = $13
    and $1::int2 = (select max(number) from epoch)
    and not exists (select from command_done d where d.command_id = $3)
  returning stream_id, version
), done as (
  insert into command_done (command_id, stream_id, version, correlation_id, digest)
  select $3, stream_id, version, $4, $5 from head
), recorded as (
  insert into event (stream_id, version, epoch, type_id, schema_version, at, meta, payload, hash)
  select stream_id, version, $1::int2, $6, $7, $8, $9, $10, $11 from head
)
select 1 from head

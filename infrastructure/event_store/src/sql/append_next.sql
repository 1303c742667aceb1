-- A stream's next events by one command that takes no keys: what append.sql does, for the append that is alone.
-- Answers with a row if it took effect.
--
-- $1..$14   as in append_first.sql
-- $15, $16  expected version and hash
with head as (
  update stream set version = $3, last_hash = $4
  where stream_id = $2 and version = $15 and last_hash = $16
    and $1::int2 = (select max(number) from epoch)
    and not exists (select from command_done d where d.command_id = $5)
  returning stream_id
), done as (
  insert into command_done (command_id, stream_id, version, correlation_id, digest)
  select $5, stream_id, $3, $6, $7 from head
), recorded as (
  insert into event (stream_id, version, epoch, type_id, schema_version, at, meta, payload, hash)
  select head.stream_id, e.version, $1::int2, e.type_id, e.schema_version, e.at, e.meta, e.payload, e.hash
  from head, unnest($8::int[], $9::int2[], $10::int2[], $11::timestamptz[], $12::bytea[], $13::bytea[], $14::bytea[])
    with ordinality as e(version, type_id, schema_version, at, meta, payload, hash, o)
  order by e.o
)
select 1 from head

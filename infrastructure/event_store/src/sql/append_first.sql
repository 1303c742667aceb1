-- A stream's first events by one command that takes no keys: what append.sql does, for the append that is alone.
-- Answers with a row if it took effect.
--
-- $1        epoch of the store that computed the hashes
-- $2..$4    stream, version and hash after
-- $5..$7    command: id, correlation, digest
-- $8..$14   events in version order: version, type, schema, at, meta, payload, hash
with head as (
  insert into stream (stream_id, version, last_hash)
  select $2, $3, $4
  where $1::int2 = (select max(number) from epoch)
    and not exists (select from command_done d where d.command_id = $5)
    and not exists (select from stream s where s.stream_id = $2)
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

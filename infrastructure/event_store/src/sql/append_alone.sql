-- The rest of append_first.sql and append_next.sql: the command and the event, if the head moved.
), done as (
  insert into command_done (command_id, stream_id, version, correlation_id, digest)
  select $3, stream_id, version, $4, $5 from head
), recorded as (
  insert into event (stream_id, version, epoch, type_id, schema_version, at, meta, payload, hash)
  select stream_id, version, $1::int2, $6, $7, $8, $9, $10, $11 from head
)
select 1 from head

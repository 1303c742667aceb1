-- Events after a checkpoint ($1 epoch, $2 tx, $3 position) that nothing can appear before any more, at most $4, packed.
-- Everything of an earlier epoch is settled; of the current one, what every transaction still running came after.
select string_agg(
  int2send(epoch) || xid8send(tx) || int8send(position) || uuid_send(stream_id) || int4send(version)
  || int2send(type_id) || int2send(schema_version) || timestamptz_send(at) || hash
  || int4send(octet_length(meta)) || meta || int4send(octet_length(payload)) || payload,
  ''
)
from (
  select * from event
  where (epoch, tx, position) > ($1::int2, $2::bigint::text::xid8, $3::bigint)
    and (epoch, tx) < ((select max(number) from epoch), pg_snapshot_xmin(pg_current_snapshot()))
  order by epoch, tx, position
  limit $4
) page

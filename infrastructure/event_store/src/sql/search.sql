-- The newest events of which all that was asked for holds, at most $6, packed, the oldest first: types $1, saga $2, actor
-- $3 (places in `meta`: metadata.rs, whose layout never changes), from $4 on, before $5. Whatever is null is not asked for.
select string_agg(
  int2send(epoch) || xid8send(tx) || int8send(position) || uuid_send(stream_id) || int4send(version)
  || int2send(type_id) || int2send(schema_version) || timestamptz_send(at) || hash
  || int4send(octet_length(meta)) || meta || int4send(octet_length(payload)) || payload,
  '' order by epoch, tx, position
)
from (
  select * from event
  where ($1::int2[] is null or type_id = any($1))
    and ($2::bytea is null or substring(meta from 19 for 16) = $2)
    and ($3::bytea is null or (
      get_byte(meta, 1) & 2 = 2 and substring(meta from 35 + 16 * (get_byte(meta, 1) & 1) for 16) = $3
    ))
    and ($4::timestamptz is null or at >= $4)
    and ($5::timestamptz is null or at < $5)
  order by event.epoch desc, event.tx desc, event.position desc
  limit $6
) page

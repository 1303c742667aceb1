-- As verify_events.sql, of the events after a place ($1 epoch, $2 tx, $3 position), up to and with another ($4, $5, $6).
-- Beside the first one of each stream hash and place of the event before it, where that comes before the part.
select
  int2send(e.epoch) || xid8send(e.tx) || int8send(e.position) || uuid_send(e.stream_id) || int4send(e.version)
  || int2send(e.type_id) || int2send(e.schema_version) || timestamptz_send(e.at) || e.hash
  || int4send(octet_length(e.meta)) || e.meta || int4send(octet_length(e.payload)) || e.payload,
  s.version, s.last_hash, before.hash, before.epoch, before.tx::text::bigint, before.position
from event e
left join stream s on s.stream_id = e.stream_id
left join event before on before.stream_id = e.stream_id and before.version = e.version - 1
  and (before.epoch, before.tx, before.position) <= ($1::int2, $2::bigint::text::xid8, $3::bigint)
where (e.epoch, e.tx, e.position) > ($1::int2, $2::bigint::text::xid8, $3::bigint)
  and (e.epoch, e.tx, e.position) <= ($4::int2, $5::bigint::text::xid8, $6::bigint)
order by e.stream_id, e.version

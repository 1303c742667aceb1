-- Every event, packed, stream by stream in version order, beside the head of its stream (null when there is none).
select
  int2send(e.epoch) || xid8send(e.tx) || int8send(e.position) || uuid_send(e.stream_id) || int4send(e.version)
  || int2send(e.type_id) || int2send(e.schema_version) || timestamptz_send(e.at) || e.hash
  || int4send(octet_length(e.meta)) || e.meta || int4send(octet_length(e.payload)) || e.payload,
  s.version, s.last_hash
from event e
left join stream s on s.stream_id = e.stream_id
order by e.stream_id, e.version

-- Every event, packed, stream by stream in version order, beside the head of its stream (null when there is none).
select record_send(row(e.epoch, e.tx, e.position, e.stream_id, e.version, e.type_id, e.schema_version, e.at, e.meta,
  e.payload, e.hash)), s.version, s.last_hash
from event e
left join stream s on s.stream_id = e.stream_id
order by e.stream_id, e.version

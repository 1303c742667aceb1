-- Events of stream $1 after version $2, at most $3.
select epoch, tx::text::bigint, position, stream_id, version, type_id, schema_version, at, meta, payload, hash
from event
where stream_id = $1 and version > $2
order by version
limit $3

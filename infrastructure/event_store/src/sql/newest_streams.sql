-- The streams that were appended to last, at most $2, the newest first: all of them, or those whose last event is of one
-- of the types $1.
select event.stream_id, event.version, event.type_id, event.at
from event
join stream on stream.stream_id = event.stream_id and stream.version = event.version
where $1::int2[] is null or event.type_id = any($1)
order by event.epoch desc, event.tx desc, event.position desc
limit $2

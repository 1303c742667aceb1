-- The $3 oldest letters after $1 moment, $2 id (the oldest of all where these are null), without what is in them, and
-- how many messages wait behind each.
select id, consumer, event_id, event_type, topic, stream_id, version, correlation_id, attempts, code, failed_at,
  (select count(*) from parked_message p where p.consumer = dead_letter.consumer and p.stream_id = dead_letter.stream_id)
    as parked_behind
from dead_letter
where $1::timestamptz is null or (failed_at, id) > ($1, $2::uuid)
order by failed_at, id
limit $3

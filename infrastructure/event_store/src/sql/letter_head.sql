-- Letter $1, without what is in it, and how many messages wait behind it.
select id, consumer, event_id, event_type, topic, stream_id, version, correlation_id, attempts, code, failed_at,
  (select count(*) from parked_message p where p.consumer = dead_letter.consumer and p.stream_id = dead_letter.stream_id)
    as parked_behind
from dead_letter
where id = $1

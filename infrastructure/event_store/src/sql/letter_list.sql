-- The $1 oldest letters, with how many messages wait behind each.
select event_id, event_type, source, stream_id, version, topic, occurred_at, correlation_id,
  causation_id, actor_id, contract_version, expects, answer_consumer, answer_attempt, traceparent, payload,
  id, consumer, attempts, code, failed_at,
  (select count(*) from parked_message p where p.consumer = dead_letter.consumer and p.stream_id = dead_letter.stream_id)
from dead_letter
order by failed_at, id
limit $1

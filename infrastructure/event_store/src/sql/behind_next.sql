-- The first message of stream $2 that waits for consumer $1.
select event_id, event_type, source, stream_id, version, topic, occurred_at, correlation_id,
  causation_id, actor_id, contract_version, expects, answer_consumer, answer_attempt, traceparent, payload
from parked_message
where consumer = $1 and stream_id = $2
order by version, event_id
limit 1

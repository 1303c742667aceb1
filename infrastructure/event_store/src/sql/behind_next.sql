-- The first message of stream $2 that waits for consumer $1, unless another letter than those of event $3 and of the
-- message itself holds the stream.
select event_id, event_type, source, stream_id, version, topic, occurred_at, correlation_id,
  causation_id, actor_id, contract_version, expects, answer_consumer, answer_attempt, traceparent, payload
from parked_message waiting
where consumer = $1 and stream_id = $2
  and not exists (
    select from dead_letter letter
    where letter.consumer = $1 and letter.stream_id = $2 and letter.event_id not in ($3, waiting.event_id))
order by version, event_id
limit 1

select id, event_type, state, correlation_id, causation_id, topic, aggregate, version, occurred_at, expects::text as expects,
    answers::text as answers
from saga_event_v1 as event
where event_type is not null
  and id = any($1::uuid[])
  and ($2::text is null or state = $2)
  and ($3::text is null or event_type = $3)
  and ($4::uuid is null or correlation_id = $4)
  and ($5::timestamptz is null or occurred_at >= $5)
  and ($6::timestamptz is null or occurred_at < $6)
  and ($7::uuid is null or exists (
      select from saga_v1 as saga
      where saga.correlation_id = event.correlation_id and (saga.started_by = $7 or saga.subject = $7)))
order by occurred_at, id

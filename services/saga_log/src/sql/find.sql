select id, event_type, state, correlation_id, causation_id, topic, aggregate, version, occurred_at, expects::text as expects,
    answers::text as answers
from saga_event_v1 as event
where event_type is not null
  and id = $1
  and ($2::uuid is null or exists (
      select from saga_v1 as saga
      where saga.correlation_id = event.correlation_id and (saga.started_by = $2 or saga.subject = $2)))

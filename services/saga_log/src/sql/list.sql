select id, event_type, state, correlation_id, causation_id, topic, aggregate, version, occurred_at, expects::text as expects,
    answers::text as answers
from saga_event_v1 as event
where event_type is not null
  and ($1::timestamptz is null or (occurred_at, id) < ($1, $2::uuid))
  and ($4::text is null or state = $4)
  and ($5::text is null or event_type = $5)
  and ($6::uuid is null or correlation_id = $6)
  and ($7::timestamptz is null or occurred_at >= $7)
  and ($8::timestamptz is null or occurred_at < $8)
  and ($9::uuid is null or exists (
      select from saga_v1 as saga
      where saga.correlation_id = event.correlation_id and (saga.started_by = $9 or saga.subject = $9)))
order by occurred_at desc, id desc
limit $3

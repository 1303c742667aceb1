select id, event_type, state, correlation_id, causation_id, topic, aggregate, version, occurred_at, expects::text as expects,
    answers::text as answers
from saga_event_v1
where event_type is not null and correlation_id = $1
order by occurred_at, id
limit $2

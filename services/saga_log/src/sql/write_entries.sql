insert into saga_event_v1
    (id, correlation_id, event_type, topic, aggregate, version, causation_id, occurred_at, expects, answers, state)
select id, correlation_id, event_type, topic, aggregate, version, causation_id, occurred_at, expects::jsonb,
    answers::jsonb, state
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::bigint[], $7::uuid[], $8::timestamptz[],
    $9::text[], $10::text[], $11::text[])
    as entry (id, correlation_id, event_type, topic, aggregate, version, causation_id, occurred_at, expects, answers, state)
on conflict (id) do update
set event_type = coalesce(excluded.event_type, saga_event_v1.event_type),
    topic = coalesce(excluded.topic, saga_event_v1.topic),
    aggregate = coalesce(excluded.aggregate, saga_event_v1.aggregate),
    version = coalesce(excluded.version, saga_event_v1.version),
    causation_id = coalesce(excluded.causation_id, saga_event_v1.causation_id),
    occurred_at = coalesce(excluded.occurred_at, saga_event_v1.occurred_at),
    expects = excluded.expects,
    answers = excluded.answers,
    state = excluded.state

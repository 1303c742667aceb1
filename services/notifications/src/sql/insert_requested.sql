insert into notification_v1
    (id, source_event, source_version, template, state, attempts, about, about_kind, recipient, started_by, requested_at,
    updated_at, due_at)
select id, source_event, source_version, template, 'requested', 0, about, about_kind, recipient, started_by, requested_at,
    updated_at, requested_at
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::uuid[], $7::uuid[], $8::timestamptz[],
    $9::timestamptz[], $10::bigint[]) as requested(id, source_event, template, about, about_kind, recipient, started_by,
    requested_at, updated_at, source_version)

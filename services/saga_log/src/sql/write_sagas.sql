insert into saga_v1 (correlation_id, started_by, subject)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[])
on conflict (correlation_id) do update
set started_by = coalesce(saga_v1.started_by, excluded.started_by),
    subject = coalesce(saga_v1.subject, excluded.subject)

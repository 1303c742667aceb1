-- $1 and $2 before this moment and id, or null, $3 state or null, $4 how many; the newest request first
select id, subject, purpose, state, country, reason, requested_by, requested_at, decided_by, decided_at, decision_reason,
  erased_at, held_at is not null as on_hold
from erasure_list_v1
where requested_at is not null
  and ($1::timestamptz is null or (requested_at, id) < ($1, $2::uuid)) and ($3::text is null or state = $3)
order by requested_at desc, id desc
limit $4

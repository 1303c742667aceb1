-- $1 and $2 before this moment and id, or null, $3 how many; the newest hold first
select id, subject, purpose, hold_reason, held_by, held_at
from erasure_list_v1
where held_at is not null and ($1::timestamptz is null or (held_at, id) < ($1, $2::uuid))
order by held_at desc, id desc
limit $3

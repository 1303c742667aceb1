select id, template, state, attempts, about, about_kind, requested_at, updated_at, code
from notification_v1
where (recipient = $4 or started_by = $4)
  and ($1::timestamptz is null or (requested_at, id) < ($1, $2::uuid))
order by requested_at desc, id desc
limit $3

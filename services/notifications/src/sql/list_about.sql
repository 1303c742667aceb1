select id, template, state, attempts, about, about_kind, requested_at, updated_at, code
from notification_v1
where about = $1
order by requested_at, id
limit $2

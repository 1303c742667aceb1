update notification_v1 notification
set state = new.state, attempts = greatest(notification.attempts, new.attempts), code = new.code, due_at = new.due_at,
    updated_at = new.updated_at
from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::timestamptz[], $6::timestamptz[])
    as new(id, state, attempts, code, due_at, updated_at)
where notification.id = new.id

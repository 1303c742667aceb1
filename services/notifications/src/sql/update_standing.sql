update notification_v1
set state = $2, attempts = greatest(attempts, $3), code = $4, due_at = $5, updated_at = $6
where id = $1

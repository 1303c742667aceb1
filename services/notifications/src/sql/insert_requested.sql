insert into notification_v1
    (id, source_event, template, state, attempts, about, about_kind, recipient, started_by, requested_at, updated_at, due_at)
values ($1, $2, $3, 'requested', 0, $4, $5, $6, $7, $8, $9, $8)

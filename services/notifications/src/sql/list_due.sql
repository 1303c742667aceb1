select id, due_at
from notification_v1
where due_at <= $1
order by due_at, id
limit $2

-- A first attempt is due as soon as it is asked for, also when the clock was ahead then and was put back since.
select id, due_at
from notification_v1
where due_at is not null and (due_at <= $1 or state = 'requested')
order by due_at, id
limit $2

-- The last event's place in the global order (qualified, as in read_all.sql).
select epoch, tx::text::bigint, position
from event
order by event.epoch desc, event.tx desc, event.position desc
limit 1

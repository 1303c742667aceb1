-- The last event of the log at or before a position ($1) or a moment ($2); what is null is not asked for.
select epoch, tx::text::bigint, position
from event
where ($1::bigint is null or position <= $1) and ($2::timestamptz is null or at <= $2)
order by event.epoch desc, event.tx desc, event.position desc
limit 1

-- The last event that nothing can appear before any more (see read_all.sql).
select event.epoch, event.tx::text::bigint, event.position
from event
where (event.epoch, event.tx) < ((select max(number) from epoch), pg_snapshot_xmin(pg_current_snapshot()))
order by event.epoch desc, event.tx desc, event.position desc
limit 1

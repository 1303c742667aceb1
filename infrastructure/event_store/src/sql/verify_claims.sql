-- The first unique key that is held by a stream which does not exist.
select c.kind, c.stream_id
from claim c
where not exists (select from stream s where s.stream_id = c.stream_id)
order by c.stream_id, c.kind
limit 1

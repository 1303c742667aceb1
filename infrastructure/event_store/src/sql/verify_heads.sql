-- The first head that names an event which is not there.
select s.stream_id, s.version
from stream s
where not exists (select from event e where e.stream_id = s.stream_id and e.version = s.version)
order by s.stream_id
limit 1

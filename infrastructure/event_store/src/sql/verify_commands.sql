-- The first command that is marked done without its events.
select d.command_id, d.stream_id, d.version
from command_done d
where not exists (select from event e where e.stream_id = d.stream_id and e.version = d.version)
order by d.stream_id, d.version
limit 1
